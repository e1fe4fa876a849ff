#include <cstdlib>
#include <cstring>

#include "kernels.h"

namespace verlet {
namespace {

bool hasAvx512() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma");
#else
  return false;
#endif
}

bool hasAvx2() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
  return false;
#endif
}

const Kernels& choose() {
  const char* named = std::getenv("VERLET_NATIVE_ISA");
  auto isAllowed = [&](const char* isa) { return named == nullptr || *named == 0 || std::strcmp(named, isa) == 0; };
#if defined(__x86_64__)
  if (hasAvx512() && isAllowed("avx512")) return avx512Kernels;
  if (hasAvx2() && isAllowed("avx2")) return avx2Kernels;
#endif
  return portableKernels;
}

}  // namespace

const Kernels& kernels() {
  static const Kernels& chosen = choose();
  return chosen;
}

}  // namespace verlet
