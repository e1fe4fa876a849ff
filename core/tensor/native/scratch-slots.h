// Who uses which scratch memory. A slot is one piece of memory a thread: what is in use together needs slots of its own, whatever runs
// inside of it included.
#pragma once

namespace verlet {

enum class Slot : int {
  /// Products: a packed block of B, and a tile's rows of A where they are packed or copied.
  packedB,
  packedA,
  /// Attention and its gradient: keys and values of one sequence and key head, and what its rows sum.
  keyValues,
  attentionRows,
  keyValueGradients,
  /// Reductions: partial sums in float64, and of columns in float32.
  wideSums,
  columnSums,
  /// The head: sums of each row and chunk; of each thread a packed chunk of the weight and the logits of a group of rows.
  headSums,
  packedWeight,
  chunkLogits,
  /// The calling thread's alone: logits of whole rows while sampling, or the gradients of logits.
  headLogits,
  /// Sampling: weights and candidates of the row that a thread draws from.
  candidates,
  count,
};

}  // namespace verlet
