// Copies between arrays of different layout: transposes, slices, concatenations.
namespace VERLET_ISA {

using verlet::StridedCopy;

/// Where entry `index` of the outer axes (all but the last and `without`) lies in both arrays.
struct Place {
  int64_t from = 0, to = 0;
  Place(const StridedCopy& c, int without, int64_t index) {
    int64_t toStride = c.sizes[c.rank - 1];
    for (int axis = c.rank - 2; axis >= 0; axis--) {
      if (axis != without) {
        int64_t digit = index % c.sizes[axis];
        index /= c.sizes[axis];
        from += digit * c.strides[axis];
        to += digit * toStride;
      }
      toStride *= c.sizes[axis];
    }
  }
};

/// The last axis is read as it lies, or number by number.
static void copyLines(const StridedCopy& c, int64_t count) {
  const int64_t length = c.sizes[c.rank - 1], stride = c.strides[c.rank - 1];
  forShares(count / length, 1, count, [&](int64_t from, int64_t to) {
    for (int64_t line = from; line < to; line++) {
      Place place(c, c.rank - 1, line);
      if (stride == 1) copyRow(c.from + place.from, c.to + place.to, length);
      else
        for (int64_t i = 0; i < length; i++) c.to[place.to + i] = c.from[place.from + i * stride];
    }
  });
}

/// Up to sixteen rows of `to` from as many columns of `from`, in squares that are turned in registers.
static inline void transposeStrip(const float* from, int64_t stride, float* to, int64_t toStride, int rows, int64_t columns) {
  for (int64_t i = 0; i < columns; i += lanes) {
    const int count = (int)least(lanes, columns - i);
    vec block[lanes];
    for (int j = 0; j < lanes; j++) block[j] = j < count ? loadSome(from + (i + j) * stride, rows) : zero();
    transpose(block);
    for (int j = 0; j < rows; j++) storeSome(to + j * toStride + i, block[j], count);
  }
}

/// Axis `side`, along which `from` is contiguous, becomes one across which `to` goes.
static void copyTransposed(const StridedCopy& c, int side, int64_t count) {
  const int last = c.rank - 1;
  const int64_t columns = c.sizes[last], rows = c.sizes[side], strips = divideUp(rows, lanes);
  int64_t toStride = columns;
  for (int axis = last - 1; axis > side; axis--) toStride *= c.sizes[axis];
  forShares(count / (rows * columns) * strips, 1, count, [&](int64_t from, int64_t to) {
    for (int64_t task = from; task < to; task++) {
      Place place(c, side, task / strips);
      int64_t row = task % strips * lanes;
      transposeStrip(c.from + place.from + row, c.strides[last], c.to + place.to + row * toStride, toStride,
                     (int)least(lanes, rows - row), columns);
    }
  });
}

static void copyStrided(const StridedCopy& c) {
  int64_t count = 1;
  for (int axis = 0; axis < c.rank; axis++) count *= c.sizes[axis];
  if (count == 0) return;
  for (int axis = 0; axis < c.rank - 1; axis++)
    if (c.strides[axis] == 1 && c.strides[c.rank - 1] != 1) return copyTransposed(c, axis, count);
  copyLines(c, count);
}

static void copyRows(const float* from, int64_t fromStride, float* to, int64_t toStride, int64_t rows, int64_t columns) {
  if (rows == 1) {
    return forShares(columns, lanes, columns, [&](int64_t a, int64_t b) { copyRow(from + a, to + a, b - a); });
  }
  forShares(rows, 1, rows * columns, [&](int64_t a, int64_t b) {
    for (int64_t row = a; row < b; row++) copyRow(from + row * fromStride, to + row * toStride, columns);
  });
}

}  // namespace VERLET_ISA
