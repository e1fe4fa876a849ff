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

/// rmsNorm(x, weight, out, rows, columns, eps)
void rmsNorm(Args& args) {
  int64_t rows = args.size(3), columns = args.size(4);
  kernels().rmsNorm(args.floats(0, rows * columns), args.floats(1, columns), args.floats(2, rows * columns), rows, columns,
                    static_cast<float>(args.number(5)));
}

/// rmsNormGrad(dy, x, weight, dx, dWeight, rows, columns, eps)
void rmsNormGrad(Args& args) {
  int64_t rows = args.size(5), columns = args.size(6), count = rows * columns;
  kernels().rmsNormGrad(args.floats(0, count), args.floats(1, count), args.floats(2, columns), args.floats(3, count),
                        args.floats(4, columns), rows, columns, static_cast<float>(args.number(7)));
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
