#include "exports.h"
#include "kernels.h"

namespace verlet {
namespace {

/// sumAlongRows(x, out, rows, columns, scale)
void sumAlongRows(Args& args) {
  int64_t rows = args.size(2), columns = args.size(3);
  kernels().sumAlongRows(args.floats(0, rows * columns), args.floats(1, rows), rows, columns, args.number(4));
}

/// maxAlongRows(x, out, rows, columns)
void maxAlongRows(Args& args) {
  int64_t rows = args.size(2), columns = args.size(3);
  if (columns == 0) throw std::invalid_argument("the largest of no numbers");
  kernels().maxAlongRows(args.floats(0, rows * columns), args.floats(1, rows), rows, columns);
}

/// sumRows(x, out, rows, columns)
void sumRows(Args& args) {
  int64_t rows = args.size(2), columns = args.size(3);
  kernels().sumRows(args.floats(0, rows * columns), args.floats(1, columns), rows, columns);
}

/// squaredNorm(x, count)
void squaredNorm(Args& args) {
  int64_t count = args.size(1);
  args.returns(kernels().squaredNorm(args.floats(0, count), count));
}

/// softmax(x, out, rows, columns)
void softmax(Args& args) {
  int64_t rows = args.size(2), columns = args.size(3);
  const float* x = args.floats(0, rows * columns);
  float* out = args.floats(1, rows * columns);
  if (columns > 0) kernels().softmax(x, out, rows, columns);
}

/// Arguments `at` to `at` + 5: x [rows, columns], weight [columns], rows, columns, eps, offset.
Norm normOf(Args& args, size_t at) {
  int64_t rows = args.size(at + 2), columns = args.size(at + 3);
  return {args.floats(at, rows * columns), args.floats(at + 1, columns), rows, columns, static_cast<float>(args.number(at + 4)),
          static_cast<float>(args.number(at + 5))};
}

/// rmsNorm(x, weight, rows, columns, eps, offset, out)
void rmsNorm(Args& args) {
  Norm norm = normOf(args, 0);
  kernels().rmsNorm(norm, args.floats(6, norm.rows * norm.columns));
}

/// rmsNormGrad(x, weight, rows, columns, eps, offset, dy, dx, dWeight)
void rmsNormGrad(Args& args) {
  Norm norm = normOf(args, 0);
  int64_t count = norm.rows * norm.columns;
  kernels().rmsNormGrad(norm, args.floats(6, count), args.floats(7, count), args.floats(8, norm.columns));
}

}  // namespace

void bindReductions(Exports& exports) {
  exports.add("sumAlongRows", sumAlongRows);
  exports.add("maxAlongRows", maxAlongRows);
  exports.add("sumRows", sumRows);
  exports.add("squaredNorm", squaredNorm);
  exports.add("softmax", softmax);
  exports.add("rmsNorm", rmsNorm);
  exports.add("rmsNormGrad", rmsNormGrad);
}

}  // namespace verlet
