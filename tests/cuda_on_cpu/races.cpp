// Finds accesses to one place of memory, by two threads, of which at least one is a write and neither must come before
// the other: whatever the order in which the fibers ran. Kernels that are compiled with -fsanitize=thread call the
// functions below before each of their accesses, and the sanitizer's own library stays out of it.
//
// What orders two accesses: threads of a block meet at __syncthreads(), lanes of a warp at __syncwarp() (a shuffle is
// no barrier for memory), and threads of two blocks nowhere.
#include <stdio.h>

#include <string>
#include <unordered_map>

#include "shim.h"

namespace mt {

extern uint64_t block_number, barriers;  // of the launch, and those that its blocks have passed
extern bool watching;                    // a fiber runs, and accesses count
bool is_own(const void* address);        // on the stack of the running fiber, or a part of itself
bool is_shared(const void* address);

namespace {

struct Access {
    uint64_t block = 0, barriers = 0;  // block 0 is none
    unsigned warp = 0, lane = 0, syncs = 0;
};

// The last write to a place, and two reads since then: the first, and one of another warp or block where there is any.
struct Place {
    Access write, reads[2];
};

struct Places {
    std::unordered_map<uintptr_t, Place> words, bytes;  // accesses of less than four bytes are kept apart

    void clear() {
        words.clear();
        bytes.clear();
    }
};

Places shared_places, places;  // those of the running block, and those of all

bool same_thread(const Access& a, const Access& b) {
    return a.block == b.block && a.warp == b.warp && a.lane == b.lane;
}
bool same_warp(const Access& a, const Access& b) { return a.block == b.block && a.warp == b.warp; }

bool ordered(const Access& before, const Access& now) {
    if (before.block == 0 || same_thread(before, now)) return true;
    if (before.block != now.block) return false;
    return before.barriers < now.barriers || (before.warp == now.warp && before.syncs < now.syncs);
}

[[noreturn]] void report(const char* first, const Access& before, const char* then) {
    char text[200];
    const char* whose = before.block == block_number ? "" : " of another block";
    snprintf(text, sizeof text, "a race: a thread %s what thread %u%s %s, and no barrier stands between them", then,
             before.warp * 32 + before.lane, whose, first);
    fail(text);
}

void touch(Place& place, const Access& now, bool writes) {
    if (!ordered(place.write, now)) report("writes", place.write, writes ? "writes" : "reads");
    if (writes) {
        for (const Access& read : place.reads)
            if (!ordered(read, now)) report("reads", read, "writes");
        place.write = now;
        place.reads[0] = place.reads[1] = Access();
    } else {
        const bool first = ordered(place.reads[0], now);
        if (first || same_warp(place.reads[0], now))
            place.reads[first ? 0 : 1] = now;
        else
            place.reads[1] = now;
    }
}

}  // namespace

void forget_accesses() { places.clear(); }
void forget_shared_accesses() { shared_places.clear(); }

void access(const void* address, size_t size, bool writes) {
    if (!watching || is_own(address)) return;
    const Access now{block_number, barriers, current->warp, current->lane, current->syncs};
    const uintptr_t first = reinterpret_cast<uintptr_t>(address);
    Places& known = is_shared(address) ? shared_places : places;
    if (size < 4) {
        for (size_t i = 0; i < size; ++i) touch(known.bytes[first + i], now, writes);
    } else {
        for (size_t i = 0; i < size; i += 4) touch(known.words[(first + i) / 4], now, writes);
    }
}

}  // namespace mt

#define MT_ACCESS(n)                                                                     \
    extern "C" void __tsan_read##n(void* p) { mt::access(p, n, false); }                 \
    extern "C" void __tsan_write##n(void* p) { mt::access(p, n, true); }                 \
    extern "C" void __tsan_unaligned_read##n(void* p) { mt::access(p, n, false); }       \
    extern "C" void __tsan_unaligned_write##n(void* p) { mt::access(p, n, true); }
MT_ACCESS(1)
MT_ACCESS(2)
MT_ACCESS(4)
MT_ACCESS(8)
MT_ACCESS(16)
#undef MT_ACCESS
extern "C" void __tsan_read_range(void* p, size_t n) { mt::access(p, n, false); }
extern "C" void __tsan_write_range(void* p, size_t n) { mt::access(p, n, true); }
extern "C" void __tsan_vptr_update(void**, void*) {}
extern "C" void __tsan_func_entry(void*) {}
extern "C" void __tsan_func_exit() {}
extern "C" void __tsan_init() {}
