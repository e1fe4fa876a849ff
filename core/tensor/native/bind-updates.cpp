#include <cmath>

#include "exports.h"
#include "kernels.h"

namespace verlet {
namespace {

/// adamW(variable, gradient, first, second, count, lr, beta1, beta2, eps, weightDecay, step, gradientScale)
void adamW(Args& args) {
  AdamWStep step{};
  step.count = args.size(4);
  step.variable = args.floats(0, step.count);
  step.gradient = args.floats(1, step.count);
  step.first = args.floats(2, step.count);
  step.second = args.floats(3, step.count);
  step.lr = args.number(5);
  step.beta1 = args.number(6);
  step.beta2 = args.number(7);
  step.eps = args.number(8);
  step.weightDecay = args.number(9);
  const double number = args.number(10);
  step.firstScale = 1.0 / (1.0 - std::pow(step.beta1, number));
  step.secondScale = 1.0 / (1.0 - std::pow(step.beta2, number));
  step.gradientScale = args.number(11);
  kernels().adamW(step);
}

}  // namespace

void bindUpdates(Exports& exports) { exports.add("adamW", adamW); }

}  // namespace verlet
