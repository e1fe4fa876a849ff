#include "exports.h"
#include "kernels.h"

namespace verlet {
namespace {

/// Between these a softcap, and what divides by it, is an ordinary float.
constexpr float smallestSoftcap = 1e-30f, largestSoftcap = 1e30f;

/// The first arguments: x [rows, width], weight [vocabulary, width], rows, width, vocabulary, softcap.
Head headOf(Args& args, const char* op) {
  int64_t rows = args.size(2), width = args.size(3), vocabulary = args.size(4);
  float softcap = static_cast<float>(args.number(5));
  if (softcap != 0 && !(softcap >= smallestSoftcap && softcap <= largestSoftcap)) {
    throw std::invalid_argument(std::string(op) + ": softcap " + std::to_string(softcap) + " is neither 0 nor from 1e-30 to 1e30");
  }
  return {args.floats(0, rows * width), args.floats(1, vocabulary * width), rows, width, vocabulary, softcap};
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

/// linearLogProbs(x, weight, rows, width, vocabulary, softcap, targets, temperature, logProbs, entropy, logSumExp)
void linearLogProbs(Args& args) {
  const char* op = "LinearLogProbs";
  Head head = headOf(args, op);
  kernels().linearLogProbs({head, targetsOf(args, 6, head, op), temperatureOf(args, 7, op), args.floats(8, head.rows),
                            args.floats(9, head.rows), args.floats(10, head.rows)});
}

/**
 * linearLogProbsGrad(x, weight, rows, width, vocabulary, softcap, dLogProbs, dEntropy, targets, entropy, logSumExp, temperature, dx,
 * dWeight); dWeight may be left out.
 */
void linearLogProbsGrad(Args& args) {
  const char* op = "LinearLogProbsGrad";
  Head head = headOf(args, op);
  const float *dLogProbs = args.floats(6, head.rows), *dEntropy = args.floats(7, head.rows);
  const int32_t* targets = targetsOf(args, 8, head, op);
  const float *entropy = args.floats(9, head.rows), *logSumExp = args.floats(10, head.rows);
  float* dWeight = args.isMissing(13) ? nullptr : args.floats(13, head.vocabulary * head.width);
  kernels().linearLogProbsGrad({head, dLogProbs, dEntropy, targets, entropy, logSumExp, temperatureOf(args, 11, op),
                                args.floats(12, head.rows * head.width), dWeight});
}

/**
 * sampleTokens(hidden, weight, rows, width, vocabulary, softcap, temperature, topK, topP, minP, seeds, counters, tokens, logProbs,
 * samplingLogProbs)
 */
void sampleTokens(Args& args) {
  Head head = headOf(args, "SampleTokens");
  size_t rows = head.rows;
  if (head.vocabulary == 0 && rows > 0) throw std::invalid_argument("SampleTokens: the vocabulary is empty");
  const float* temperature = args.floats(6, rows);
  for (size_t row = 0; row < rows; row++) {
    if (temperature[row] >= 0) continue;
    throw std::invalid_argument("SampleTokens: temperature " + std::to_string(temperature[row]) + " of row " + std::to_string(row) +
                                " is not at least 0");
  }
  const int32_t* topK = args.ints(7, rows);
  const float *topP = args.floats(8, rows), *minP = args.floats(9, rows);
  const uint32_t *seeds = args.uints(10, rows), *counters = args.uints(11, rows);
  if (rows == 0) return;
  kernels().sampleTokens({head, temperature, topK, topP, minP, seeds, counters, args.ints(12, rows), args.floats(13, rows),
                          args.floats(14, rows)});
}

}  // namespace

void bindHead(Exports& exports) {
  exports.add("linearLogProbs", linearLogProbs);
  exports.add("linearLogProbsGrad", linearLogProbsGrad);
  exports.add("sampleTokens", sampleTokens);
}

}  // namespace verlet
