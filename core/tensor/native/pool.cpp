#include "pool.h"

#include <sys/mman.h>
#if defined(__linux__)
#include <sched.h>
#endif

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace verlet {
namespace {

/// Pauses before a waiting thread goes to sleep: some tens of microseconds. A pool that only spins collapses when processes share the cores.
constexpr int spins = 4000;
constexpr size_t hugePage = size_t{2} << 20;

inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

struct Job {
  void (*body)(void*, int) = nullptr;
  void* context = nullptr;
  int tasks = 0;
};

/// True on a thread that runs a task.
thread_local bool isInside = false;

class Pool {
 public:
  explicit Pool(int count) : wanted_(count) {
    try {
      for (int i = 1; i < count; i++) workers_.emplace_back([this, i] { work(i); });
    } catch (const std::system_error&) {
      // The system gives no more threads: those that are there do the work.
    }
    count_ = static_cast<int>(workers_.size()) + 1;
  }

  ~Pool() {
    {
      std::lock_guard lock(mutex_);
      stopped_ = true;
      generation_.fetch_add(1, std::memory_order_release);
    }
    wake_.notify_all();
    for (auto& worker : workers_) worker.join();
  }

  int count() const { return count_; }
  /// Asked for, whether or not there are as many.
  int wanted() const { return wanted_; }

  void run(const Job& job) {
    job_ = job;
    pending_.store(count_ - 1, std::memory_order_relaxed);
    {
      std::lock_guard lock(mutex_);
      generation_.fetch_add(1, std::memory_order_release);
    }
    if (sleeping_.load(std::memory_order_seq_cst) > 0) wake_.notify_all();
    isInside = true;
    share(0);
    isInside = false;
    for (int i = 0; pending_.load(std::memory_order_acquire) > 0; i++) {
      if (i < spins) pause();
      else std::this_thread::yield();
    }
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
  }

 private:
  /// What a task throws waits until no thread uses the job any more.
  void share(int thread) {
    try {
      for (int task = thread; task < job_.tasks; task += count_) job_.body(job_.context, task);
    } catch (...) {
      std::lock_guard lock(mutex_);
      error_ = std::current_exception();
    }
  }

  void work(int thread) {
    isInside = true;
    uint64_t seen = 0;
    for (;;) {
      seen = await(seen);
      if (stopped_) return;
      share(thread);
      pending_.fetch_sub(1, std::memory_order_release);
    }
  }

  /// Waits for the next generation: spinning first, then asleep.
  uint64_t await(uint64_t seen) {
    for (int i = 0; i < spins; i++) {
      uint64_t now = generation_.load(std::memory_order_acquire);
      if (now != seen) return now;
      pause();
    }
    std::unique_lock lock(mutex_);
    sleeping_.fetch_add(1, std::memory_order_seq_cst);
    wake_.wait(lock, [&] { return generation_.load(std::memory_order_acquire) != seen; });
    sleeping_.fetch_sub(1, std::memory_order_relaxed);
    return generation_.load(std::memory_order_acquire);
  }

  const int wanted_;
  int count_ = 1;
  Job job_;
  std::exception_ptr error_;
  std::atomic<uint64_t> generation_{0};
  std::atomic<int> pending_{0};
  std::atomic<int> sleeping_{0};
  bool stopped_ = false;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::thread> workers_;
};

/// Those this process may run on.
int processors() {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0) return CPU_COUNT(&set);
#endif
  return std::thread::hardware_concurrency() > 0 ? static_cast<int>(std::thread::hardware_concurrency()) : 1;
}

/// Never destroyed: at exit of the process its threads are simply gone.
Pool* pool = nullptr;
int wanted = 0;
/// One job at a time, also when several threads of JavaScript call.
std::mutex jobs;

Pool& current() {
  if (pool == nullptr) pool = new Pool(wanted > 0 ? wanted : processors());
  return *pool;
}

std::atomic<size_t> scratchTotal{0};

struct Slab {
  float* data = nullptr;
  size_t bytes = 0;
  void reset() {
    std::free(data);
    scratchTotal.fetch_sub(bytes);
    data = nullptr;
    bytes = 0;
  }
  ~Slab() { reset(); }
};

thread_local Slab slabs[static_cast<int>(Slot::count)];

}  // namespace

void setThreads(int count) {
  std::lock_guard lock(jobs);
  wanted = count;
  if (pool != nullptr && pool->wanted() != (count > 0 ? count : processors())) {
    delete pool;
    pool = nullptr;
  }
}

int threads() {
  if (isInside) return 1;
  std::lock_guard lock(jobs);
  return current().count();
}

void parallel(int tasks, void (*body)(void*, int), void* context) {
  if (tasks <= 0) return;
  if (isInside || tasks == 1) {
    for (int task = 0; task < tasks; task++) body(context, task);
    return;
  }
  std::lock_guard lock(jobs);
  current().run({body, context, tasks});
}

void adviseHugePages(void* data, size_t bytes) {
#ifdef MADV_HUGEPAGE
  uintptr_t first = (reinterpret_cast<uintptr_t>(data) + hugePage - 1) / hugePage * hugePage;
  uintptr_t end = (reinterpret_cast<uintptr_t>(data) + bytes) / hugePage * hugePage;
  if (end > first) madvise(reinterpret_cast<void*>(first), end - first, MADV_HUGEPAGE);
#else
  static_cast<void>(data);
  static_cast<void>(bytes);
#endif
}

float* scratch(Slot slot, size_t floats) {
  Slab& slab = slabs[static_cast<int>(slot)];
  size_t bytes = floats * sizeof(float);
  if (slab.bytes < bytes) {
    slab.reset();
    size_t alignment = bytes >= hugePage ? hugePage : 64;
    size_t rounded = (bytes + alignment - 1) / alignment * alignment;
    void* data = std::aligned_alloc(alignment, rounded);
    if (data == nullptr) throw std::bad_alloc();
    if (alignment == hugePage) adviseHugePages(data, rounded);
    slab.data = static_cast<float*>(data);
    slab.bytes = rounded;
    scratchTotal.fetch_add(rounded);
  }
  return slab.data;
}

size_t scratchBytes() { return scratchTotal.load(); }

}  // namespace verlet
