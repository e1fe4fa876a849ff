// Everything an instruction set needs; included after its simd header with VERLET_ISA and VERLET_KERNELS defined. No containers or
// templates of the standard library in here: their code would be emitted for this instruction set and could be linked into any other.
#include "kernels.h"
#include "pool.h"

#include "math.inl"
#include "gemm.inl"
#include "block-product.inl"
#include "attention.inl"
#include "attention-grad.inl"
#include "cached-attention.inl"

namespace verlet {

const Kernels VERLET_KERNELS = {
    VERLET_ISA_NAME,
    VERLET_ISA::gemm,
    VERLET_ISA::gemmHere,
    VERLET_ISA::attention,
    VERLET_ISA::attentionGrad,
    VERLET_ISA::appendToPages,
    VERLET_ISA::cachedAttention,
};

}  // namespace verlet
