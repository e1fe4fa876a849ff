// What the addon offers to JavaScript: every file bind-*.cpp adds its functions.
#pragma once
#include "args.h"

namespace verlet {

using Function = void (*)(Args&);

/// Adds functions to the addon's exports. A function that throws becomes a RangeError there.
class Exports {
 public:
  Exports(napi_env env, napi_value object) : env_(env), object_(object) {}
  void add(const char* name, Function function);

 private:
  napi_env env_;
  napi_value object_;
};

void bindGemm(Exports& exports);
void bindHead(Exports& exports);
void bindElementwise(Exports& exports);
void bindReductions(Exports& exports);
void bindRows(Exports& exports);
void bindUpdates(Exports& exports);
void bindCopies(Exports& exports);

}  // namespace verlet
