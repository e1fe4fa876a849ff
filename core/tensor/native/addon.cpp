#include <exception>

#include "exports.h"
#include "kernels.h"
#include "pool.h"

namespace verlet {
namespace {

/// Calls a function of ours; what it throws is thrown in JavaScript.
napi_value call(napi_env env, napi_callback_info info) {
  void* function = nullptr;
  size_t count = 0;
  napi_get_cb_info(env, info, &count, nullptr, nullptr, &function);
  try {
    Args args(env, info);
    reinterpret_cast<Function>(function)(args);
    return args.result();
  } catch (const std::exception& error) {
    napi_throw_range_error(env, nullptr, error.what());
    return nullptr;
  }
}

void isaName(Args& args) { args.returns(kernels().isa); }
void chooseIsa(Args& args) {
  std::string isa = args.text(0);
  if (!useIsa(isa.c_str())) throw std::invalid_argument("this processor has no instruction set " + isa);
}
void useThreads(Args& args) {
  int64_t count = args.size(0);
  if (count > 1024) throw std::invalid_argument(std::to_string(count) + " threads are more than 1024");
  setThreads(static_cast<int>(count));
}
void threadCount(Args& args) { args.returns(threads()); }
void prepareArray(Args& args) {
  size_t length = args.size(1);
  float* values = args.floats(0, length);
  adviseHugePages(values, length * sizeof(float));
  args.returns(static_cast<double>(reinterpret_cast<uintptr_t>(values) % 4096));
}
void heldScratchBytes(Args& args) { args.returns(static_cast<double>(scratchBytes())); }

napi_value init(napi_env env, napi_value object) {
  Exports exports(env, object);
  exports.add("isa", isaName);
  exports.add("useIsa", chooseIsa);
  exports.add("setThreads", useThreads);
  exports.add("threads", threadCount);
  exports.add("prepareArray", prepareArray);
  exports.add("scratchBytes", heldScratchBytes);
  bindGemm(exports);
  bindHead(exports);
  bindElementwise(exports);
  bindReductions(exports);
  bindRows(exports);
  bindUpdates(exports);
  bindCopies(exports);
  bindAttention(exports);
  return object;
}

}  // namespace

void Exports::add(const char* name, Function function) {
  napi_value value;
  napi_create_function(env_, name, NAPI_AUTO_LENGTH, call, reinterpret_cast<void*>(function), &value);
  napi_set_named_property(env_, object_, name, value);
}

}  // namespace verlet

NAPI_MODULE_INIT() { return verlet::init(env, exports); }
