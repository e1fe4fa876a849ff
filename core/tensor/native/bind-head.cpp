#include "exports.h"
#include "kernels.h"

namespace verlet {
namespace {

/// Arguments `at` to `at` + 4: x [rows, width], weight [vocabulary, width], rows, width, vocabulary.
Head headOf(Args& args, size_t at) {
  int64_t rows = args.size(at + 2), width = args.size(at + 3), vocabulary = args.size(at + 4);
  return {args.floats(at, rows * width), args.floats(at + 1, vocabulary * width), rows, width, vocabulary};
}

const int32_t* targetsOf(Args& args, size_t at, const Head& head, const char* op) {
  const int32_t* targets = args.ints(at, head.rows);
  for (int64_t row = 0; row < head.rows; row++) {
    if (targets[row] >= 0 && targets[row] < head.vocabulary) continue;
    throw std::out_of_range(std::string(op) + ": target " + std::to_string(targets[row]) + " of row " + std::to_string(row) +
                            " is not in [0, " + std::to_string(head.vocabulary) + ")");
  }
  return targets;
}

float temperatureOf(Args& args, size_t at, const char* op) {
  float temperature = static_cast<float>(args.number(at));
  if (temperature > 0) return temperature;
  throw std::invalid_argument(std::string(op) + ": temperature " + std::to_string(temperature) + " is not above 0");
}

/// linearLogProbs(x, weight, rows, width, vocabulary, targets, temperature, logProbs, entropy, logSumExp)
void linearLogProbs(Args& args) {
  Head head = headOf(args, 0);
  kernels().linearLogProbs({head, targetsOf(args, 5, head, "LinearLogProbs"), temperatureOf(args, 6, "LinearLogProbs"),
                            args.floats(7, head.rows), args.floats(8, head.rows), args.floats(9, head.rows)});
}

/// linearLogProbsGrad(x, weight, rows, width, vocabulary, dLogProbs, dEntropy, targets, entropy, logSumExp, temperature, dx, dWeight)
void linearLogProbsGrad(Args& args) {
  Head head = headOf(args, 0);
  const float *dLogProbs = args.floats(5, head.rows), *dEntropy = args.floats(6, head.rows);
  const int32_t* targets = targetsOf(args, 7, head, "LinearLogProbsGrad");
  const float *entropy = args.floats(8, head.rows), *logSumExp = args.floats(9, head.rows);
  kernels().linearLogProbsGrad({head, dLogProbs, dEntropy, targets, entropy, logSumExp, temperatureOf(args, 10, "LinearLogProbsGrad"),
                                args.floats(11, head.rows * head.width), args.floats(12, head.vocabulary * head.width)});
}

/**
 * sampleTokens(hidden, weight, rows, width, vocabulary, temperature, topK, topP, minP, seeds, counters, tokens, logProbs, samplingLogProbs)
 */
void sampleTokens(Args& args) {
  Head head = headOf(args, 0);
  size_t rows = head.rows;
  if (head.vocabulary == 0 && rows > 0) throw std::invalid_argument("SampleTokens: the vocabulary is empty");
  const float* temperature = args.floats(5, rows);
  for (size_t row = 0; row < rows; row++) {
    if (temperature[row] >= 0) continue;
    throw std::invalid_argument("SampleTokens: temperature " + std::to_string(temperature[row]) + " of row " + std::to_string(row) +
                                " is not at least 0");
  }
  const int32_t* topK = args.ints(6, rows);
  const float *topP = args.floats(7, rows), *minP = args.floats(8, rows);
  const uint32_t *seeds = args.uints(9, rows), *counters = args.uints(10, rows);
  if (rows == 0) return;
  kernels().sampleTokens({head, temperature, topK, topP, minP, seeds, counters, args.ints(11, rows), args.floats(12, rows),
                          args.floats(13, rows)});
}

}  // namespace

void bindHead(Exports& exports) {
  exports.add("linearLogProbs", linearLogProbs);
  exports.add("linearLogProbsGrad", linearLogProbsGrad);
  exports.add("sampleTokens", sampleTokens);
}

}  // namespace verlet
