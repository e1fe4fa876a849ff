#include "exports.h"
#include "kernels.h"
#include "pool.h"

namespace verlet {
namespace {

/**
 * gemm(a, b, c, batch, rows, columns, inner, transposeA, transposeB, aStride, bStride, accumulate, bias): C = A B for each matrix of a batch.
 * A is [rows, inner] or, transposed, [inner, rows]; B likewise; the strides lead from one matrix to the next and may be 0; bias [columns] may
 * be undefined.
 */
void gemm(Args& args) {
  int64_t batch = args.size(3), rows = args.size(4), columns = args.size(5), inner = args.size(6);
  bool transposeA = args.flag(7), transposeB = args.flag(8);
  int64_t aStride = args.size(9), bStride = args.size(10);
  int64_t last = batch > 0 ? batch - 1 : 0;
  const float* a = args.floats(0, last * aStride + (batch > 0 ? rows * inner : 0));
  const float* b = args.floats(1, last * bStride + (batch > 0 ? inner * columns : 0));
  float* c = args.floats(2, batch * rows * columns);
  bool accumulate = args.flag(11);
  const float* bias = args.isMissing(12) ? nullptr : args.floats(12, columns);
  auto product = [&](int64_t i) {
    return Product{a + i * aStride,
                   b + i * bStride,
                   c + i * rows * columns,
                   rows,
                   columns,
                   inner,
                   transposeA ? 1 : inner,
                   transposeA ? rows : 1,
                   transposeB ? 1 : columns,
                   transposeB ? inner : 1,
                   columns,
                   accumulate,
                   bias};
  };
  if (batch == 1) return kernels().gemm(product(0));
  parallel(static_cast<int>(batch), [&](int i) { kernels().gemmHere(product(i)); });
}

}  // namespace

void bindGemm(Exports& exports) { exports.add("gemm", gemm); }

}  // namespace verlet
