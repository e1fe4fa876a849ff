// Sums and maxima along rows and over rows. What is added in which order depends on the shape alone.
namespace VERLET_ISA {

/// Numbers of a row that one float64 sum takes; the sums of a row's blocks are added in order.
constexpr int64_t sumBlock = 16384;
/// Rows that one partial column sum takes.
constexpr int64_t rowsPerSum = 32;

/// What a sum takes of each vector. Types, not functions: those would be called through a pointer.
struct Itself {
  wide operator()(wide sum, vec x) const { return add(sum, widen(x)); }
};
struct ItsSquare {
  wide operator()(wide sum, vec x) const {
    wide a = widen(x);
    return fma(a, a, sum);
  }
};

template <class Step>
static inline double sumOfBlock(const float* x, int64_t count, const Step& step) {
  wide sum = wideZero();
  forVectors(0, count, [&](int64_t i, int n) { sum = step(sum, loadSome(x + i, n)); });
  return reduceAdd(sum);
}

/// Calls done(row, sum) for each row, on any thread.
template <class Step, class Done>
static void sumEachRow(const float* x, int64_t rows, int64_t columns, const Step& step, const Done& done) {
  const int64_t blocks = divideUp(columns, sumBlock);
  if (blocks <= 1) {
    return forShares(rows, 1, rows * columns, [&](int64_t from, int64_t to) {
      for (int64_t row = from; row < to; row++) done(row, sumOfBlock(x + row * columns, columns, step));
    });
  }
  auto* sums = reinterpret_cast<double*>(verlet::scratch(Slot::wideSums, 2 * rows * blocks));
  forShares(rows * blocks, 1, rows * columns, [&](int64_t from, int64_t to) {
    for (int64_t i = from; i < to; i++) {
      int64_t row = i / blocks, start = i % blocks * sumBlock;
      sums[i] = sumOfBlock(x + row * columns + start, least(sumBlock, columns - start), step);
    }
  });
  for (int64_t row = 0; row < rows; row++) {
    double sum = 0;
    for (int64_t i = 0; i < blocks; i++) sum += sums[row * blocks + i];
    done(row, sum);
  }
}

static void sumAlongRows(const float* x, float* out, int64_t rows, int64_t columns, double scale) {
  sumEachRow(x, rows, columns, Itself{}, [&](int64_t row, double sum) { out[row] = (float)(sum * scale); });
}

static double squaredNorm(const float* x, int64_t count) {
  double result = 0;
  sumEachRow(x, 1, count, ItsSquare{}, [&](int64_t, double sum) { result = sum; });
  return result;
}

/// The largest of x [count], count at least 1; NaN when there is one.
static inline float largest(const float* x, int64_t count) {
  const vec first = set1(x[0]);
  vec found = first;
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    vec a = load(x + i);
    found = whereNan(a, a, max(a, found));
  }
  float all[lanes];
  store(all, found);
  float result = all[0];
  auto take = [&](float a) { result = a != a || a > result ? a : result; };
  for (int lane = 1; lane < lanes; lane++) take(all[lane]);
  for (; i < count; i++) take(x[i]);
  return result;
}

static void maxAlongRows(const float* x, float* out, int64_t rows, int64_t columns) {
  forShares(rows, 1, rows * columns, [&](int64_t from, int64_t to) {
    for (int64_t row = from; row < to; row++) out[row] = largest(x + row * columns, columns);
  });
}

/**
 * total [columns]: the sum over the rows of what addBlock(from, to, sums) adds to `sums` for the rows from `from` to `to`. Blocks of rows are
 * summed by any thread and then added in ascending order.
 */
template <class AddBlock>
static void sumOverRows(float* total, int64_t rows, int64_t columns, const AddBlock& addBlock) {
  const int64_t blocks = divideUp(rows, rowsPerSum);
  float* sums = verlet::scratch(Slot::columnSums, blocks * columns);
  forShares(blocks, 1, rows * columns, [&](int64_t from, int64_t to) {
    for (int64_t block = from; block < to; block++) {
      float* own = sums + block * columns;
      fillRow(own, 0.0f, columns);
      addBlock(block * rowsPerSum, least(rows, (block + 1) * rowsPerSum), own);
    }
  });
  forShares(columns, lanes, blocks * columns, [&](int64_t from, int64_t to) {
    forVectors(from, to, [&](int64_t i, int n) {
      vec sum = zero();
      for (int64_t block = 0; block < blocks; block++) sum = add(sum, loadSome(sums + block * columns + i, n));
      storeSome(total + i, sum, n);
    });
  });
}

static void sumRows(const float* x, float* out, int64_t rows, int64_t columns) {
  sumOverRows(out, rows, columns, [&](int64_t from, int64_t to, float* sums) {
    for (int64_t row = from; row < to; row++) addRow(x + row * columns, sums, columns);
  });
}

static inline void softmaxRow(const float* x, float* out, int64_t columns) {
  const vec top = set1(largest(x, columns));
  float total = sumVectors(columns, [&](int64_t i, int n, vec sum) {
    vec e = exp(sub(loadSome(x + i, n), top));
    storeSome(out + i, e, n);
    return n == lanes ? add(sum, e) : add(sum, loadPartial(out + i, n));
  });
  const vec divisor = set1(total);
  forVectors(0, columns, [&](int64_t i, int n) { storeSome(out + i, div(loadSome(out + i, n), divisor), n); });
}

static void softmax(const float* x, float* out, int64_t rows, int64_t columns) {
  forShares(rows, 1, rows * columns, [&](int64_t from, int64_t to) {
    for (int64_t row = from; row < to; row++) softmaxRow(x + row * columns, out + row * columns, columns);
  });
}

}  // namespace VERLET_ISA
