// Threads. Work is split over them by shape alone, so that a result never depends on their number.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif
#ifdef _OPENMP
#include <omp.h>
#endif

namespace mt {

int num_threads();
void set_num_threads(int n);  // n >= 1. A forked child always has one thread: see parallel.cpp

namespace {

// Treats denormal numbers as zero while it lives: a single one slows an addition or multiplication up to a
// hundredfold. The setting belongs to the thread, so every thread of a parallel loop makes its own.
class FlushDenormals {
  public:
#if defined(__SSE2__)
    FlushDenormals() : saved_(_mm_getcsr()) { _mm_setcsr(saved_ | 0x8040); }  // flush-to-zero, denormals-are-zero
    ~FlushDenormals() { _mm_setcsr(saved_); }

  private:
    unsigned saved_;
#elif defined(__aarch64__)
    FlushDenormals() {
        __asm__ volatile("mrs %0, fpcr" : "=r"(saved_));
        __asm__ volatile("msr fpcr, %0" : : "r"(saved_ | (std::uint64_t{1} << 24)));
    }
    ~FlushDenormals() { __asm__ volatile("msr fpcr, %0" : : "r"(saved_)); }

  private:
    std::uint64_t saved_;
#endif
};

// Below this much work (about 20 µs) starting the threads costs more than they gain. The unit is one element of a
// simple vectorised loop that runs from the cache, such as y[i] = max(x[i], 0); a multiply-add counts an eighth.
constexpr double serial_work = 1 << 17;

// The number of threads that a loop of this much work runs on.
inline int threads_for(double work) {
#ifdef _OPENMP
    if (work > serial_work && !omp_in_parallel()) return num_threads();
#endif
    (void)work;
    return 1;
}

// Calls body(begin, end) for consecutive ranges that together are [0, n), one on each thread.
template <class Body>
void parallel_for(std::ptrdiff_t n, double work_per_item, const Body& body) {
#ifdef _OPENMP
    const int team = n > 1 ? threads_for(n * work_per_item) : 1;
    if (team > 1) {
        // Always the same number of threads, even for few items: libgomp restarts its threads when it changes.
#pragma omp parallel num_threads(team)
        {
            const FlushDenormals flush;
            const std::ptrdiff_t thread = omp_get_thread_num(), threads = omp_get_num_threads();
            const std::ptrdiff_t begin = n * thread / threads, end = n * (thread + 1) / threads;
            if (begin < end) body(begin, end);
        }
        return;
    }
#endif
    (void)work_per_item;
    const FlushDenormals flush;
    if (n > 0) body(std::ptrdiff_t{0}, n);
}

}  // namespace
}  // namespace mt
