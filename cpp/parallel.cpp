#include "parallel.h"

#include <pthread.h>

#include <atomic>

namespace mt {
namespace {

std::atomic<bool> in_forked_child{false};

int default_num_threads() {
#ifdef _OPENMP
    return omp_get_max_threads();  // respects OMP_NUM_THREADS and the processors this process may use
#else
    return 1;
#endif
}

std::atomic<int>& thread_count() {
    static std::atomic<int> count{default_num_threads()};
    return count;
}

// A fork copies only the calling thread. libgomp still believes in the others and would wait for them for ever, so a
// forked child, such as a worker of multiprocessing, computes on one thread.
[[maybe_unused]] const int registered = pthread_atfork(nullptr, nullptr, [] { in_forked_child = true; });

}  // namespace

int num_threads() { return in_forked_child ? 1 : thread_count().load(std::memory_order_relaxed); }

void set_num_threads(int n) {
#ifdef _OPENMP
    thread_count() = n;
#else
    (void)n;
#endif
}

}  // namespace mt
