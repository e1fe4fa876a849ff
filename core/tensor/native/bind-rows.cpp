#include "exports.h"
#include "kernels.h"

namespace verlet {
namespace {

/// Indices of rows, each of which exists.
const int32_t* indices(Args& args, size_t index, int64_t count, int64_t rows, const char* what) {
  const int32_t* values = args.ints(index, count);
  for (int64_t i = 0; i < count; i++) {
    if (values[i] >= 0 && values[i] < rows) continue;
    throw std::out_of_range(std::string(what) + ' ' + std::to_string(values[i]) + " at " + std::to_string(i) + " is not in [0, " +
                            std::to_string(rows) + ')');
  }
  return values;
}

/// gatherRows(table, indices, out, count, rows, columns)
void gatherRows(Args& args) {
  int64_t count = args.size(3), rows = args.size(4), columns = args.size(5);
  kernels().gatherRows(args.floats(0, rows * columns), indices(args, 1, count, rows, "index"),
                       args.floats(2, count * columns), count, columns);
}

/// scatterRows(x, indices, sums, count, rows, columns)
void scatterRows(Args& args) {
  int64_t count = args.size(3), rows = args.size(4), columns = args.size(5);
  kernels().scatterRows(args.floats(0, count * columns), indices(args, 1, count, rows, "index"),
                        args.floats(2, rows * columns), count, rows, columns);
}

/// rotary(x, cos, sin, positions, out, rows, heads, dim, angles, inverse)
void rotary(Args& args) {
  int64_t rows = args.size(5), heads = args.size(6), dim = args.size(7), angles = args.size(8);
  if (dim % 2 != 0) throw std::invalid_argument("a head of " + std::to_string(dim) + " dimensions has no two halves");
  int64_t count = rows * heads * dim;
  kernels().rotary({args.floats(0, count), args.floats(1, angles * dim / 2), args.floats(2, angles * dim / 2),
                    indices(args, 3, rows, angles, "position"), args.floats(4, count), rows, heads, dim, args.flag(9)});
}

}  // namespace

void bindRows(Exports& exports) {
  exports.add("gatherRows", gatherRows);
  exports.add("scatterRows", scatterRows);
  exports.add("rotary", rotary);
}

}  // namespace verlet
