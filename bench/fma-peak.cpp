// Prints as JSON the float32 multiply-add rate of the processor: SECONDS of dependent FMA chains in registers, ROUNDS times,
// on THREADS threads, one a core. Usage: fma-peak SECONDS ROUNDS THREADS
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>
#if defined(__linux__)
#include <pthread.h>
#include <sched.h>
#endif
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace {

// Variables, not an array, which would live in memory; 14 and two operands fill the 16 registers of AVX2. Each chain waits for
// itself alone, so 14 of them cover 4 or 5 cycles of latency on two units.
#define EACH_CHAIN(DO) \
  DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11) DO(12) DO(13)
constexpr int chains = 14;

volatile float scaleSource = 0.999f;
volatile float shiftSource = 0.001f;
volatile float sink;

typedef float Lanes __attribute__((vector_size(16)));

void runPortable(long iterations) {
  const float scale = scaleSource, shift = shiftSource;
  const Lanes m = {scale, scale, scale, scale}, c = {shift, shift, shift, shift};
#define DECLARE(i) Lanes a##i = m * static_cast<float>(i);
#define STEP(i) a##i = a##i * m + c;
#define COLLECT(i) sum += a##i;
  EACH_CHAIN(DECLARE)
  for (long n = 0; n < iterations; n++) { EACH_CHAIN(STEP) }
  Lanes sum = m;
  EACH_CHAIN(COLLECT)
  sink = sum[0];
#undef DECLARE
#undef STEP
#undef COLLECT
}

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) void runAvx2(long iterations) {
  const __m256 m = _mm256_set1_ps(scaleSource), c = _mm256_set1_ps(shiftSource);
#define DECLARE(i) __m256 a##i = _mm256_set1_ps(i);
#define STEP(i) a##i = _mm256_fmadd_ps(a##i, m, c);
#define COLLECT(i) sum = _mm256_add_ps(sum, a##i);
  EACH_CHAIN(DECLARE)
  for (long n = 0; n < iterations; n++) { EACH_CHAIN(STEP) }
  __m256 sum = m;
  EACH_CHAIN(COLLECT)
  sink = _mm256_cvtss_f32(sum);
#undef DECLARE
#undef STEP
#undef COLLECT
}

__attribute__((target("avx512f"))) void runAvx512(long iterations) {
  const __m512 m = _mm512_set1_ps(scaleSource), c = _mm512_set1_ps(shiftSource);
#define DECLARE(i) __m512 a##i = _mm512_set1_ps(i);
#define STEP(i) a##i = _mm512_fmadd_ps(a##i, m, c);
#define COLLECT(i) sum = _mm512_add_ps(sum, a##i);
  EACH_CHAIN(DECLARE)
  for (long n = 0; n < iterations; n++) { EACH_CHAIN(STEP) }
  __m512 sum = m;
  EACH_CHAIN(COLLECT)
  sink = _mm512_cvtss_f32(sum);
#undef DECLARE
#undef STEP
#undef COLLECT
}
#endif

struct Isa {
  const char* name;
  int lanes;
  void (*run)(long);
};

Isa widest() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f")) return {"AVX-512", 16, runAvx512};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return {"AVX2", 8, runAvx2};
#endif
  return {"portable", 4, runPortable};
}

// Binds the calling thread to the index-th of the cores that the process may use.
void pinTo(int index) {
#if defined(__linux__)
  cpu_set_t allowed, one;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  int left = index % CPU_COUNT(&allowed), core = 0;
  while (!CPU_ISSET(core, &allowed) || left-- > 0) core++;
  CPU_ZERO(&one);
  CPU_SET(core, &one);
  pthread_setaffinity_np(pthread_self(), sizeof one, &one);
#else
  (void)index;
#endif
}

// GFLOP/s of all threads together; a multiply-add is two operations.
double measure(const Isa& isa, double seconds, int threads) {
  using Clock = std::chrono::steady_clock;
  constexpr long block = 100000;
  std::atomic<int> ready{0};
  std::vector<double> rates(threads);
  std::vector<std::thread> workers;
  for (int t = 0; t < threads; t++) {
    workers.emplace_back([&, t] {
      pinTo(t);
      ready++;
      while (ready < threads) std::this_thread::yield();
      const auto start = Clock::now();
      double elapsed = 0, blocks = 0;
      for (; elapsed < seconds; blocks++) {
        isa.run(block);
        elapsed = std::chrono::duration<double>(Clock::now() - start).count();
      }
      rates[t] = blocks * block * chains * isa.lanes * 2 / elapsed / 1e9;
    });
  }
  double sum = 0;
  for (int t = 0; t < threads; t++) {
    workers[t].join();
    sum += rates[t];
  }
  return sum;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: fma-peak SECONDS ROUNDS THREADS\n");
    return 2;
  }
  const double seconds = std::atof(argv[1]);
  const int rounds = std::atoi(argv[2]), threads = std::atoi(argv[3]);
  const Isa isa = widest();
  std::printf("{\"isa\":\"%s\",\"gflops\":[", isa.name);
  for (int r = 0; r < rounds; r++) std::printf("%s%.1f", r == 0 ? "" : ",", measure(isa, seconds, threads));
  std::printf("]}\n");
  return 0;
}
