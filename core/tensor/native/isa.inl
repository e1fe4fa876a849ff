// Everything an instruction set needs; included after its simd header with VERLET_ISA and VERLET_KERNELS defined. No containers or
// templates of the standard library in here: their code would be emitted for this instruction set and could be linked into any other.
#include "kernels.h"
#include "pool.h"

#include "math.inl"
#include "gemm.inl"
#include "head-logits.inl"
#include "linear-log-probs.inl"
#include "linear-log-probs-grad.inl"
#include "philox.inl"
#include "cut-distribution.inl"
#include "sample-tokens.inl"

namespace verlet {

const Kernels VERLET_KERNELS = {
    VERLET_ISA_NAME,
    VERLET_ISA::gemm,
    VERLET_ISA::gemmHere,
    VERLET_ISA::linearLogProbs,
    VERLET_ISA::linearLogProbsGrad,
    VERLET_ISA::sampleTokens,
};

}  // namespace verlet
