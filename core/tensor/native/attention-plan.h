// How the attention of a pass is cut into parts for the threads. A part is a sequence and a key head; where there are too few to keep all
// threads busy, parts are cut further, which changes no number.
#pragma once
#include <cstdint>
#include <vector>

#include "balance.h"
#include "kernels.h"

namespace verlet {

/// Parts of one pass, and whether all parts of a sequence and key head are one.
template <class Part>
struct AttentionPlan {
  std::vector<Part> parts;
  Shares shares;
  bool isCut;
};

/// @param scores multiply-adds a pair of a query position and a key
AttentionPlan<AttentionPart> planAttention(const std::vector<AttentionPart>& whole, const AttentionRules& rules, double scores);
AttentionPlan<AttentionGradPart> planAttentionGrad(const std::vector<AttentionGradPart>& whole, const AttentionRules& rules, double scores);

}  // namespace verlet
