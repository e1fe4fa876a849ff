// Work of unequal parts, shared among the pool's threads so that each has about as much.
#pragma once
#include <algorithm>
#include <cstddef>
#include <numeric>
#include <vector>

#include "pool.h"

namespace verlet {

/// Which parts each thread computes: the largest first, each given to the thread that has least. Depends on nothing but its arguments.
struct Shares {
  std::vector<std::vector<size_t>> parts;
  double largest = 0;

  Shares(const std::vector<double>& work, int threads) : parts(static_cast<size_t>(threads)) {
    std::vector<size_t> order(work.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return work[a] > work[b]; });
    std::vector<double> load(parts.size(), 0.0);
    for (size_t part : order) {
      size_t thread = static_cast<size_t>(std::min_element(load.begin(), load.end()) - load.begin());
      parts[thread].push_back(part);
      load[thread] += work[part];
    }
    largest = *std::max_element(load.begin(), load.end());
  }
};

/// Calls body(part) for every part, on the threads that `shares` gives them.
template <class Body>
void runShares(const Shares& shares, Body&& body) {
  parallel(static_cast<int>(shares.parts.size()), [&](int thread) {
    for (size_t part : shares.parts[static_cast<size_t>(thread)]) body(part);
  });
}

}  // namespace verlet
