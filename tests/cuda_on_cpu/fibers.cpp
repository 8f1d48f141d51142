// Runs the blocks of a launch one after the other, and the threads of a block as fibers: each runs until it waits or
// ends, in an order that the tests choose, so that a result that depends on the order shows.
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
#if defined(__x86_64__) && !defined(MT_PORTABLE)
#define MT_OWN_SWITCH 1  // ten times as fast as swapcontext, which asks the system about signals each time
#else
#include <ucontext.h>
#endif

#include <algorithm>
#include <deque>
#include <random>
#include <string>
#include <vector>

#include "shim.h"

namespace mt {

// races.cpp
extern uint64_t block_number, barriers;
extern bool watching;
void access(const void* address, size_t size, bool writes);
void forget_accesses();
void forget_shared_accesses();

namespace {

constexpr size_t stack_bytes = 128 << 10;
constexpr size_t max_shared = 227 << 10;  // of a block, static and dynamic, on the largest devices
constexpr unsigned char poison = 0xFF;    // floating-point numbers of it are NaN

// In which threads, and blocks, take their turns. Forward, reversed and shuffled: each thread goes as far as it can before
// the next begins. Warps: each warp does, up to a barrier of the block; which is first is drawn anew after each.
enum class Order { forward, reversed, shuffled, warps };

enum class State { ready, at_block_barrier, at_warp_collective, done };

struct Copy {
    void* to;
    const void* from;
    int bytes;
    bool wanted;
    int group;
};

struct Fiber : Thread {
    State state;
    int line;  // where it waits
    unsigned mask;
    Combine combine;
    void* payload;
    std::vector<Copy> copies;
    int group;
    char* stack = nullptr;
    size_t offset;  // of the stack's first frame
#ifdef MT_OWN_SWITCH
    void* stack_pointer;
#else
    ucontext_t context;
#endif
};

// A piece of memory that ends at a page nobody may touch.
struct Fenced {
    char* end = nullptr;
    size_t capacity = 0;

    char* last(size_t bytes) {  // the last `bytes` bytes, aligned to 16 for a size of that multiple
        const size_t page = 4096;
        if (bytes > capacity) {
            if (end) munmap(end - capacity - page, capacity + 2 * page);
            capacity = (bytes + page - 1) / page * page;
            char* memory = static_cast<char*>(
                mmap(nullptr, capacity + 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
            mprotect(memory, page, PROT_NONE);
            mprotect(memory + page + capacity, page, PROT_NONE);
            end = memory + page + capacity;
        }
        return end - (bytes + 15) / 16 * 16;
    }
};

struct StaticArray {
    const void* key;
    size_t bytes;
    bool touched;  // by the running block
};

std::deque<Fiber> fibers;  // whose addresses stay
size_t threads;            // of a block
std::vector<StaticArray> static_arrays;
std::vector<Fenced> static_memory;  // of each of them
Fenced dynamic_memory;
size_t dynamic_bytes;
void (*body)(void**);
void** arguments;
std::string error;
sigjmp_buf give_up;

Fiber* running() { return static_cast<Fiber*>(current); }

std::string where() {
    char text[160];
    const uint3 b = block_index, t = current ? current->index : uint3{0, 0, 0};
    snprintf(text, sizeof text, " (block %u,%u,%u thread %u,%u,%u)", b.x, b.y, b.z, t.x, t.y, t.z);
    return text;
}

// ---- switching --------------------------------------------------------------------------------------------------------

#ifdef MT_OWN_SWITCH
void* scheduler_pointer;

// Saves the registers that a function call keeps, and the stack pointer; takes another's.
extern "C" void mt_switch(void** save, void* load);
asm(R"(.text
.globl mt_switch
.type mt_switch, @function
mt_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
)");

void to_scheduler() { mt_switch(&running()->stack_pointer, scheduler_pointer); }
void to_fiber(Fiber& fiber) {
    current = &fiber;
    watching = true;
    mt_switch(&scheduler_pointer, fiber.stack_pointer);
    watching = false;
}
#else
ucontext_t scheduler_context;

void to_scheduler() { swapcontext(&running()->context, &scheduler_context); }
void to_fiber(Fiber& fiber) {
    current = &fiber;
    watching = true;
    swapcontext(&scheduler_context, &fiber.context);
    watching = false;
}
#endif

void start() {
    body(arguments);
    if (!running()->copies.empty()) fail("a thread ends without waiting for its cp.async copies");
    running()->state = State::done;
    to_scheduler();
}

void prepare(Fiber& fiber) {
    if (!fiber.stack) {
        fiber.stack = static_cast<char*>(mmap(nullptr, stack_bytes, PROT_READ | PROT_WRITE,
                                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
        mprotect(fiber.stack, 4096, PROT_NONE);
        // Frames at the same place of every page would displace each other from the caches.
        static size_t number = 0;
        fiber.offset = number++ % 32 * 448;
    }
    fiber.state = State::ready;
    fiber.copies.clear();
    fiber.group = 0;
    fiber.syncs = 0;
#ifdef MT_OWN_SWITCH
    // As if it had called mt_switch: six registers, then the address to return to. A function finds its stack 8 bytes
    // below a multiple of 16, as a call leaves it.
    uint64_t* top = reinterpret_cast<uint64_t*>(fiber.stack + stack_bytes - fiber.offset) - 1;
    *top = 0;
    *--top = reinterpret_cast<uint64_t>(&start);
    for (int i = 0; i < 6; ++i) *--top = 0;
    fiber.stack_pointer = top;
#else
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.stack;
    fiber.context.uc_stack.ss_size = stack_bytes;
    fiber.context.uc_link = nullptr;
    makecontext(&fiber.context, start, 0);
#endif
}

// ---- one block --------------------------------------------------------------------------------------------------------

// Lets the lanes go on whose collectives are complete; whether there were any.
bool release_warp(size_t first) {
    const size_t lanes = std::min<size_t>(32, threads - first);
    bool released = false;
    for (size_t i = 0; i < lanes; ++i) {
        Fiber& fiber = fibers[first + i];
        if (fiber.state != State::at_warp_collective) continue;
        current = &fiber;
        const unsigned mask = fiber.mask & (lanes == 32 ? 0xFFFFFFFF : (1u << lanes) - 1);
        if (!(mask >> i & 1)) fail("a thread isn't in the mask of its own shuffle, vote or __syncwarp");
        void* payloads[32] = {};
        bool complete = true;
        for (size_t lane = 0; lane < lanes; ++lane) {
            Fiber& other = fibers[first + lane];
            if (!(mask >> lane & 1)) continue;
            if (other.state == State::done) fail("a lane in the mask of a shuffle, vote or __syncwarp has ended");
            if (other.state != State::at_warp_collective) {
                complete = false;
            } else if (other.mask != fiber.mask || other.line != fiber.line || other.combine != fiber.combine) {
                fail("the lanes of a mask wait in different shuffles, votes or __syncwarps");
            }
            payloads[lane] = other.payload;
        }
        if (!complete) continue;
        fiber.combine(payloads, mask);
        for (size_t lane = 0; lane < lanes; ++lane)
            if (mask >> lane & 1) fibers[first + lane].state = State::ready;
        released = true;
    }
    return released;
}

// Lets all threads go on if all are at the barrier; whether they were.
bool release_block() {
    size_t waiting = 0, done = 0;
    int line = -1;
    bool lines_differ = false;
    for (size_t i = 0; i < threads; ++i) {
        const Fiber& fiber = fibers[i];
        done += fiber.state == State::done;
        if (fiber.state != State::at_block_barrier) continue;
        current = &fibers[i];
        ++waiting;
        lines_differ |= line != -1 && line != fiber.line;
        line = fiber.line;
    }
    if (!waiting || waiting + done < threads) return false;
    if (lines_differ) fail("threads of a block wait at different __syncthreads()");
    if (done) fail("__syncthreads() isn't reached by all threads of the block: some have ended");
    for (size_t i = 0; i < threads; ++i) fibers[i].state = State::ready;
    ++barriers;
    return true;
}

// Each ready thread of turns[begin ... end - 1] runs until it waits or ends; whether there was any.
bool run_threads(const std::vector<size_t>& turns, size_t begin, size_t end) {
    bool progress = false;
    for (size_t i = begin; i < end; ++i) {
        Fiber& fiber = fibers[turns[i]];
        if (fiber.state != State::ready) continue;
        to_fiber(fiber);
        progress = true;
    }
    return progress;
}

void run_block(Order order, std::mt19937_64& random) {
    for (StaticArray& array : static_arrays) array.touched = false;
    if (dynamic_bytes) memset(dynamic_memory.last(dynamic_bytes), poison, (dynamic_bytes + 15) / 16 * 16);
    for (size_t i = 0; i < threads; ++i) prepare(fibers[i]);
    static std::vector<size_t> turns, warps;
    turns.resize(threads);
    for (size_t i = 0; i < threads; ++i) turns[i] = order == Order::reversed ? threads - 1 - i : i;
    warps.resize((threads + 31) / 32);
    for (size_t w = 0; w < warps.size(); ++w) warps[w] = w;
    for (;;) {
        bool progress = false;
        if (order == Order::warps) {
            std::shuffle(warps.begin(), warps.end(), random);
            for (size_t w : warps) {
                const size_t first = w * 32, last = std::min(first + 32, threads);
                while (run_threads(turns, first, last) | release_warp(first)) progress = true;
            }
        } else {
            if (order == Order::shuffled) std::shuffle(turns.begin(), turns.end(), random);
            progress = run_threads(turns, 0, threads);
            for (size_t first = 0; first < threads; first += 32) progress |= release_warp(first);
        }
        bool all_done = true;
        for (size_t i = 0; i < threads; ++i) all_done &= fibers[i].state == State::done;
        if (all_done) return;
        progress |= release_block();
        if (!progress) fail("a barrier or shuffle is reached by a part of its threads only: the others wait elsewhere");
    }
}

void on_signal(int signal, siginfo_t* info, void*) {
    char text[120];
    if (signal == SIGSEGV || signal == SIGBUS)
        snprintf(text, sizeof text, "a thread touches memory outside its arrays, at %p", info->si_addr);
    else if (signal == SIGILL)
        snprintf(text, sizeof text, "an index outside a local or shared array, a misaligned access, or an integer that overflows");
    else
        snprintf(text, sizeof text, "an integer division by zero");
    error = text + where();
    watching = false;
    siglongjmp(give_up, 1);
}

}  // namespace

Thread* current;
uint3 block_index;
dim3 block_size, grid_size;
uint64_t block_number, barriers;
bool watching;

bool is_shared(const void* address) {
    const auto lies_in = [&](const Fenced& memory) {
        return size_t(memory.end - static_cast<const char*>(address)) <= memory.capacity;
    };
    return lies_in(dynamic_memory) || std::any_of(static_memory.begin(), static_memory.end(), lies_in);
}

bool is_own(const void* address) {
    const char *place = static_cast<const char*>(address), *fiber = reinterpret_cast<const char*>(running());
    return size_t(place - running()->stack) < stack_bytes || size_t(place - fiber) < sizeof(Fiber);
}

void fail(const char* message) {
    error = message + where();
    watching = false;
    siglongjmp(give_up, 1);
}

void block_barrier(int line) {
    running()->line = line;
    running()->state = State::at_block_barrier;
    to_scheduler();
}

void warp_collective(unsigned mask, int line, Combine combine, void* payload) {
    Fiber* fiber = running();
    fiber->mask = mask;
    fiber->line = line;
    fiber->combine = combine;
    fiber->payload = payload;
    fiber->state = State::at_warp_collective;
    to_scheduler();
}

void warp_barrier(unsigned mask, int line) {
    warp_collective(mask, line, [](void* const*, unsigned) {}, nullptr);
    ++running()->syncs;
}

unsigned ballot(unsigned mask, bool yes, int line) {
    Vote mine{yes, 0};
    const Combine count = [](void* const payloads[32], unsigned lanes) {
        unsigned bits = 0;
        for (int lane = 0; lane < 32; ++lane)
            if (lanes >> lane & 1) bits |= unsigned(static_cast<Vote*>(payloads[lane])->yes) << lane;
        for (int lane = 0; lane < 32; ++lane)
            if (lanes >> lane & 1) static_cast<Vote*>(payloads[lane])->ballot = bits;
    };
    warp_collective(mask, line, count, &mine);
    return mine.ballot;
}

void copy_async(void* to, const void* from, int bytes, bool wanted) {
    if (reinterpret_cast<uintptr_t>(to) % bytes || reinterpret_cast<uintptr_t>(from) % bytes)
        fail("an address of cp.async isn't aligned to the bytes that it copies");
    access(to, bytes, true);
    memset(to, poison, bytes);
    running()->copies.push_back({to, from, bytes, wanted, running()->group});
}

void copy_async_commit() { ++running()->group; }

void copy_async_wait(int pending) {
    std::vector<Copy>& copies = running()->copies;
    const int landed = running()->group - pending;
    size_t kept = 0;
    for (const Copy& copy : copies) {
        if (copy.group >= landed) {
            copies[kept++] = copy;
            continue;
        }
        access(copy.to, copy.bytes, true);
        if (copy.wanted) {
            access(copy.from, copy.bytes, false);
            memcpy(copy.to, copy.from, copy.bytes);
        } else {
            memset(copy.to, 0, copy.bytes);
        }
    }
    copies.resize(kept);
}

void* static_shared(const void* key, size_t bytes) {
    size_t total = dynamic_bytes;
    size_t number = static_arrays.size();
    for (size_t i = 0; i < static_arrays.size(); ++i) {
        total += static_arrays[i].bytes;
        if (static_arrays[i].key == key) number = i;
    }
    if (number == static_arrays.size()) {
        static_arrays.push_back({key, bytes, false});
        static_memory.resize(std::max(static_memory.size(), static_arrays.size()));
        total += bytes;
    }
    if (total - dynamic_bytes > 48 << 10) fail("more than 48 KB of static shared memory");
    if (total > max_shared) fail("more than 227 KB of shared memory");
    char* memory = static_memory[number].last(bytes);
    if (!static_arrays[number].touched) {
        memset(memory, poison, (bytes + 15) / 16 * 16);
        static_arrays[number].touched = true;
    }
    return memory;
}

void* dynamic_shared() {
    if (!dynamic_bytes) fail("dynamic shared memory is used, but the launch gives none");
    return dynamic_memory.last(dynamic_bytes);
}

}  // namespace mt

// ---- the launch -------------------------------------------------------------------------------------------------------

// Runs `body(args)` for every thread of the grid; null, or what is wrong.
extern "C" const char* mt_launch(void (*body)(void**), void** args, const unsigned* grid, const unsigned* block,
                                 size_t shared, int order_number, uint64_t seed) {
    using namespace mt;
    const Order order = static_cast<Order>(order_number);
    grid_size = {grid[0], grid[1], grid[2]};
    block_size = {block[0], block[1], block[2]};
    threads = size_t(block[0]) * block[1] * block[2];
    while (fibers.size() < threads) fibers.emplace_back();
    for (size_t i = 0; i < threads; ++i) {
        Fiber& fiber = fibers[i];
        fiber.index = {unsigned(i % block[0]), unsigned(i / block[0] % block[1]), unsigned(i / block[0] / block[1])};
        fiber.lane = i % 32;
        fiber.warp = i / 32;
    }
    static_arrays.clear();
    dynamic_bytes = shared;
    mt::body = body;
    arguments = args;
    error.clear();
    forget_accesses();
    block_number = barriers = 0;
    std::mt19937_64 random(seed);
    const size_t blocks = size_t(grid[0]) * grid[1] * grid[2];
    std::vector<size_t> turns(blocks);
    for (size_t i = 0; i < blocks; ++i) turns[i] = order == Order::reversed ? blocks - 1 - i : i;
    if (order == Order::shuffled || order == Order::warps) std::shuffle(turns.begin(), turns.end(), random);

    // A thread that leaves its arrays ends the launch, not the process. The signal's handler needs a stack of its own
    // for a fiber whose stack is full.
    static char handler_stack[64 << 10];
    stack_t alternative{}, old_stack;
    alternative.ss_sp = handler_stack;
    alternative.ss_size = sizeof handler_stack;
    sigaltstack(&alternative, &old_stack);
    const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};
    struct sigaction action {}, old[4];
    action.sa_sigaction = on_signal;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    for (int i = 0; i < 4; ++i) sigaction(signals[i], &action, &old[i]);
    if (!sigsetjmp(give_up, 1)) {
        for (size_t i : turns) {
            block_index = {unsigned(i % grid[0]), unsigned(i / grid[0] % grid[1]),
                           unsigned(i / grid[0] / grid[1])};
            ++block_number;
            forget_shared_accesses();
            run_block(order, random);
        }
    }
    for (int i = 0; i < 4; ++i) sigaction(signals[i], &old[i], nullptr);
    sigaltstack(&old_stack, nullptr);
    return error.empty() ? nullptr : error.c_str();
}
