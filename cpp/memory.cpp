#include "memory.h"

#include <pthread.h>
#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <new>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#endif

namespace mt {
namespace {

constexpr std::size_t alignment = 64;
constexpr std::size_t huge_page = std::size_t{2} << 20;

// Stands before every block, in 64 bytes of its own.
struct alignas(alignment) Header {
    Header* next;  // in the list of unused blocks
    int size_class;
};

// Sizes m · 2^s with m = 8 … 15, from 1 KB on: a block is at most an eighth larger than asked for.
constexpr int smallest_shift = 7, largest_shift = 58;
constexpr int size_classes = (largest_shift - smallest_shift + 1) * 8;

constexpr std::size_t class_size(int size_class) {
    return (std::size_t{8} + size_class % 8) << (smallest_shift + size_class / 8);
}

// The smallest class of at least `bytes`, which are at most 2^61.
int class_of(std::size_t bytes) {
    if (bytes <= class_size(0)) return 0;
    const std::size_t last = bytes - 1;
    const int shift = 60 - __builtin_clzll(last);  // so that 8 <= last >> shift < 16
    return (shift - smallest_shift) * 8 + static_cast<int>(last >> shift) - 8 + 1;
}

// Constant-initialised and never destroyed: arrays are still given back while the interpreter exits.
std::mutex mutex;
Header* unused[size_classes];
std::size_t in_use_bytes, unused_bytes;

// A fork may happen while another thread holds the mutex; in the child nobody would ever release it.
[[maybe_unused]] const int registered =
    pthread_atfork([] { mutex.lock(); }, [] { mutex.unlock(); }, [] { mutex.unlock(); });

void* from_system(std::size_t bytes) {
    void* memory = nullptr;
    if (posix_memalign(&memory, bytes < huge_page ? alignment : huge_page, bytes) != 0) return nullptr;
    ASAN_POISON_MEMORY_REGION(static_cast<Header*>(memory) + 1, bytes - sizeof(Header));
#ifdef MADV_HUGEPAGE
    if (bytes >= huge_page) madvise(memory, bytes, MADV_HUGEPAGE);  // only a hint: a fault every 2 MB, not 4 KB
#endif
    return memory;
}

// Takes a block of a class from the unused ones or from the system.
Header* take_block(int size_class) {
    const std::size_t size = class_size(size_class);
    {
        const std::lock_guard<std::mutex> lock(mutex);
        in_use_bytes += size;
        if (Header* block = unused[size_class]) {
            unused[size_class] = block->next;
            unused_bytes -= size;
            return block;
        }
    }
    void* memory = from_system(size);
    if (!memory) {
        empty_cache();
        memory = from_system(size);
    }
    if (!memory) {
        const std::lock_guard<std::mutex> lock(mutex);
        in_use_bytes -= size;
        throw std::bad_alloc();
    }
    return new (memory) Header{nullptr, size_class};
}

}  // namespace

void* allocate(std::size_t bytes) {
    if (bytes > std::size_t{1} << 60) throw std::bad_alloc();
    Header* const header = take_block(class_of(bytes + sizeof(Header)));
    // The address sanitizer is told what of the block may be used, or the cache would hide errors from it.
    ASAN_UNPOISON_MEMORY_REGION(header + 1, bytes);
    return header + 1;
}

void deallocate(void* block) {
    if (!block) return;
    Header* const header = static_cast<Header*>(block) - 1;
    const std::size_t size = class_size(header->size_class);
    ASAN_POISON_MEMORY_REGION(header + 1, size - sizeof(Header));
    const std::lock_guard<std::mutex> lock(mutex);
    header->next = unused[header->size_class];
    unused[header->size_class] = header;
    in_use_bytes -= size;
    unused_bytes += size;
}

void empty_cache() {
    const std::lock_guard<std::mutex> lock(mutex);
    for (Header*& list : unused) {
        while (Header* block = list) {
            list = block->next;
            ASAN_UNPOISON_MEMORY_REGION(block, class_size(block->size_class));
            std::free(block);
        }
    }
    unused_bytes = 0;
}

std::size_t memory_allocated() {
    const std::lock_guard<std::mutex> lock(mutex);
    return in_use_bytes;
}

std::size_t memory_reserved() {
    const std::lock_guard<std::mutex> lock(mutex);
    return in_use_bytes + unused_bytes;
}

Scratch::Scratch(std::size_t bytes) : block_(allocate(bytes)) {}
Scratch::~Scratch() { deallocate(block_); }
void* Scratch::data() const { return block_; }

}  // namespace mt
