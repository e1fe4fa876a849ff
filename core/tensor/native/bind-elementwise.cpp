#include "exports.h"
#include "kernels.h"

namespace verlet {
namespace {

/// Where the last element of an operand lies, and one.
int64_t extent(int64_t rows, int64_t columns, int64_t rowStride, int64_t columnStride) {
  return rows == 0 || columns == 0 ? 0 : (rows - 1) * rowStride + (columns - 1) * columnStride + 1;
}

template <class Op>
Op operation(Args& args, size_t index) {
  int64_t number = args.size(index);
  if (number >= static_cast<int64_t>(Op::count)) throw std::invalid_argument("there is no operation " + std::to_string(number));
  return static_cast<Op>(number);
}

/// unary(op, x, out, count, low, high)
void unary(Args& args) {
  int64_t count = args.size(3);
  kernels().unary(operation<Unary>(args, 0), args.floats(1, count), args.floats(2, count), count,
                  static_cast<float>(args.number(4)), static_cast<float>(args.number(5)));
}

/// binary(op, a, b, out, rows, columns, aRow, aColumn, bRow, bColumn)
void binary(Args& args) {
  int64_t rows = args.size(4), columns = args.size(5);
  int64_t aRow = args.size(6), aColumn = args.size(7), bRow = args.size(8), bColumn = args.size(9);
  if (aColumn > 1 || bColumn > 1) throw std::invalid_argument("a column stride is 0 or 1");
  const float* a = args.floats(1, extent(rows, columns, aRow, aColumn));
  const float* b = args.floats(2, extent(rows, columns, bRow, bColumn));
  float* out = args.floats(3, rows * columns);
  Binary op = operation<Binary>(args, 0);
  if (rows * columns > 0) kernels().binary(op, {a, b, out, rows, columns, aRow, aColumn, bRow, bColumn});
}

/// accumulate(sum, addend, count)
void accumulate(Args& args) {
  int64_t count = args.size(2);
  kernels().accumulate(args.floats(0, count), args.floats(1, count), count);
}

/// select(condition, a, b, out, count)
void select(Args& args) {
  int64_t count = args.size(4);
  kernels().select(args.bytes(0, count), args.floats(1, count), args.floats(2, count), args.floats(3, count), count);
}

/// gate, up, out, count
template <class Gated>
void runGated(Args& args, Gated gated) {
  int64_t count = args.size(3);
  gated(args.floats(0, count), args.floats(1, count), args.floats(2, count), count);
}

/// dy, gate, up, dGate, dUp, count
template <class GatedGrad>
void runGatedGrad(Args& args, GatedGrad gatedGrad) {
  int64_t count = args.size(5);
  gatedGrad(args.floats(0, count), args.floats(1, count), args.floats(2, count), args.floats(3, count), args.floats(4, count), count);
}

/// swiglu(gate, up, out, count), likewise geglu; swigluGrad(dy, gate, up, dGate, dUp, count), likewise gegluGrad
void swiglu(Args& args) { runGated(args, kernels().swiglu); }
void swigluGrad(Args& args) { runGatedGrad(args, kernels().swigluGrad); }
void geglu(Args& args) { runGated(args, kernels().geglu); }
void gegluGrad(Args& args) { runGatedGrad(args, kernels().gegluGrad); }

}  // namespace

void bindElementwise(Exports& exports) {
  exports.add("unary", unary);
  exports.add("binary", binary);
  exports.add("accumulate", accumulate);
  exports.add("select", select);
  exports.add("swiglu", swiglu);
  exports.add("swigluGrad", swigluGrad);
  exports.add("geglu", geglu);
  exports.add("gegluGrad", gegluGrad);
}

}  // namespace verlet
