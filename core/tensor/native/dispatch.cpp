#include <atomic>
#include <string>

#include "kernels.h"

namespace verlet {
namespace {

#if defined(__x86_64__)
bool hasAvx512() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma");
}

bool hasAvx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
#endif

/// Null when the processor, or the build, has no such instruction set.
const Kernels* find(const std::string& isa) {
#if defined(__x86_64__)
  if (isa == "avx512bf16") return hasAvx512() && __builtin_cpu_supports("avx512bf16") ? &avx512bf16Kernels : nullptr;
  if (isa == "avx512") return hasAvx512() ? &avx512Kernels : nullptr;
  if (isa == "avx2") return hasAvx2() ? &avx2Kernels : nullptr;
#endif
  return isa == "portable" ? &portableKernels : nullptr;
}

const Kernels* choose() {
  for (const char* isa : {"avx512", "avx2"})
    if (find(isa) != nullptr) return find(isa);
  return &portableKernels;
}

std::atomic<const Kernels*> chosen{choose()};

}  // namespace

const Kernels& kernels() { return *chosen.load(std::memory_order_relaxed); }

bool useIsa(const char* isa) {
  const Kernels* found = find(isa);
  if (found != nullptr) chosen = found;
  return found != nullptr;
}

}  // namespace verlet
