// The addon's own threads: started once, kept, and given fixed shares of each job.
#pragma once
#include <cstddef>

#include "scratch-slots.h"

namespace verlet {

/// Threads that share a job, the caller's included. 0 asks for one a processor; there may be fewer than asked for where the system gives no
/// more. Within a task there is one.
void setThreads(int count);
int threads();

/**
 * Calls body(context, task) for every task in [0, tasks). Thread t of T runs the tasks t, t + T, t + 2T ...: which thread computes what
 * depends on nothing but the counts. Returns when all are done, or throws what a task has thrown. Jobs of several callers run one after the
 * other; one within a task runs on the thread of that task.
 */
void parallel(int tasks, void (*body)(void* context, int task), void* context);

/// The same for a callable.
template <class Body>
static inline void parallel(int tasks, Body&& body) {
  parallel(tasks, [](void* context, int task) { (*static_cast<Body*>(context))(task); }, &body);
}

/// Asks for huge pages where memory is to be touched for the first time; a wish, which the system may ignore.
void adviseHugePages(void* data, size_t bytes);

/// 64-byte aligned memory of the calling thread, at least `floats` long, kept for its next call with the same slot; contents are arbitrary.
float* scratch(Slot slot, size_t floats);
/// Bytes that all threads hold as scratch.
size_t scratchBytes();

}  // namespace verlet
