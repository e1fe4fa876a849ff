#include "exports.h"
#include "kernels.h"

namespace verlet {
namespace {

/// copyStrided(from, to, layout, offset): layout is an Int32Array of the sizes of `to`, then the strides in `from`, which begins at `offset`.
void copyStrided(Args& args) {
  size_t rank = args.lengthOf(2) / 2;
  if (rank < 1 || rank > maximumRank) throw std::invalid_argument("a copy of " + std::to_string(rank) + " axes");
  const int32_t* layout = args.ints(2, 2 * rank);
  int64_t offset = args.size(3), count = 1, extent = offset + 1;
  StridedCopy copy{};
  copy.rank = static_cast<int>(rank);
  for (size_t axis = 0; axis < rank; axis++) {
    copy.sizes[axis] = layout[axis];
    copy.strides[axis] = layout[rank + axis];
    if (copy.sizes[axis] < 0 || copy.strides[axis] < 0) throw std::invalid_argument("a negative size or stride");
    count *= copy.sizes[axis];
    extent += (copy.sizes[axis] - 1) * copy.strides[axis];
  }
  copy.to = args.floats(1, count);
  if (count == 0) return;
  copy.from = args.floats(0, extent) + offset;
  kernels().copyStrided(copy);
}

/// copyRows(from, to, rows, columns, fromStride, toStride, toOffset)
void copyRows(Args& args) {
  int64_t rows = args.size(2), columns = args.size(3), fromStride = args.size(4), toStride = args.size(5), offset = args.size(6);
  if (rows == 0 || columns == 0) return;
  const float* from = args.floats(0, (rows - 1) * fromStride + columns);
  float* to = args.floats(1, offset + (rows - 1) * toStride + columns) + offset;
  kernels().copyRows(from, fromStride, to, toStride, rows, columns);
}

}  // namespace

void bindCopies(Exports& exports) {
  exports.add("copyStrided", copyStrided);
  exports.add("copyRows", copyRows);
}

}  // namespace verlet
