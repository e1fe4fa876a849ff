// Everything an instruction set needs; included after its simd header with VERLET_ISA and VERLET_KERNELS defined. No containers or
// templates of the standard library in here: their code would be emitted for this instruction set and could be linked into any other.
#include "kernels.h"
#include "pool.h"

#include "math.inl"
#include "lanes.inl"
#include "shares.inl"
#include "gemm.inl"
#include "block-product.inl"
#include "elementwise.inl"
#include "reduce.inl"
#include "rms-norm.inl"
#include "rotary.inl"
#include "swiglu.inl"
#include "geglu.inl"
#include "rows.inl"
#include "adamw.inl"
#include "copy.inl"
#include "attention.inl"
#include "attention-grad.inl"
#include "cached-attention.inl"
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
    VERLET_ISA::unary,
    VERLET_ISA::binary,
    VERLET_ISA::accumulate,
    VERLET_ISA::select,
    VERLET_ISA::sumAlongRows,
    VERLET_ISA::maxAlongRows,
    VERLET_ISA::sumRows,
    VERLET_ISA::squaredNorm,
    VERLET_ISA::softmax,
    VERLET_ISA::rmsNorm,
    VERLET_ISA::rmsNormGrad,
    VERLET_ISA::rotary,
    VERLET_ISA::swiglu,
    VERLET_ISA::swigluGrad,
    VERLET_ISA::geglu,
    VERLET_ISA::gegluGrad,
    VERLET_ISA::gatherRows,
    VERLET_ISA::scatterRows,
    VERLET_ISA::adamW,
    VERLET_ISA::copyStrided,
    VERLET_ISA::copyRows,
    VERLET_ISA::attention,
    VERLET_ISA::attentionGrad,
    VERLET_ISA::appendToPages,
    VERLET_ISA::cachedAttention,
};

}  // namespace verlet
