// Memory between pages that nobody may touch: a thread that reads or writes behind the end of an array, or a page
// before its beginning, ends its launch there. What a page has left over is poisoned, and writes into it are found.
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <unordered_map>

namespace {

constexpr size_t page = 4096;
constexpr unsigned char poison = 0xFF;  // floating-point numbers of it are NaN
constexpr size_t alignment = 32;        // of an array's end, so that vectors of four doubles are aligned as on a GPU
constexpr size_t sparse = 1 << 30;      // pages for more bytes than this aren't filled: few of them are ever touched
constexpr size_t watched = 64;          // bytes beside an array that are compared after every launch

struct Array {
    size_t size;
    char *begin, *end;  // of the pages that it lies in
};

std::unordered_map<char*, Array> arrays;  // by their first bytes

enum Found { nothing, beside, freed } found;  // written beside an array, or where there is none any more

size_t whole_pages(size_t bytes) { return (bytes + page - 1) / page * page; }

void fill(char* begin, char* end) {
    if (size_t(end - begin) < sparse)
        memset(begin, poison, end - begin);
    else
        madvise(begin, end - begin, MADV_DONTNEED);  // zeros
}

bool poisoned(const char* from, const char* to) {
    if (from >= to || size_t(to - from) >= sparse) return true;
    return static_cast<unsigned char>(*from) == poison && memcmp(from, from + 1, to - from - 1) == 0;
}

}  // namespace

// Pages for `bytes` bytes with a guard before and one behind them, full of poison; null if the system gives none.
extern "C" char* mt_map(size_t bytes) {
    const size_t size = whole_pages(bytes);
    void* memory = mmap(nullptr, size + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) return nullptr;
    char* begin = static_cast<char*>(memory) + page;
    if (mprotect(begin, size, PROT_READ | PROT_WRITE)) {
        munmap(memory, size + 2 * page);
        return nullptr;
    }
    fill(begin, begin + size);
    return begin;
}

extern "C" void mt_unmap(char* begin, size_t bytes) { munmap(begin - page, whole_pages(bytes) + 2 * page); }

// Places an array of `size` bytes in pages for `bytes`: right behind the first guard, or as near to the second as its
// alignment lets it. Whether the pages must be full of poison yet, since nobody should have had them.
extern "C" char* mt_place(char* begin, size_t bytes, size_t size, bool behind_guard, bool poisoned_yet) {
    char* end = begin + whole_pages(bytes);
    if (poisoned_yet && !poisoned(begin, end)) found = freed;
    fill(begin, end);
    char* first = behind_guard ? begin : end - (size + alignment - 1) / alignment * alignment;
    arrays[first] = {size, begin, end};
    return first;
}

// Poisons pages where there is no array.
extern "C" void mt_poison(char* begin, size_t bytes) { memset(begin, poison, whole_pages(bytes)); }

// The array ends its life, and its pages are poisoned.
extern "C" void mt_displace(char* first) {
    const auto place = arrays.find(first);
    const Array& a = place->second;
    if (!poisoned(a.begin, first) || !poisoned(first + a.size, a.end)) found = beside;
    fill(a.begin, a.end);
    arrays.erase(place);
}

// What was found since the last call. What lies closely beside the arrays is looked at now, and poisoned anew.
extern "C" int mt_found() {
    for (const auto& [first, a] : arrays) {
        char* const last = first + a.size;
        const size_t before = first - a.begin, after = a.end - last;
        if (poisoned(first - (before < watched ? before : watched), first) &&
            poisoned(last, last + (after < watched ? after : watched)))
            continue;
        found = beside;
        fill(a.begin, first);
        fill(last, a.end);
    }
    const Found result = found;
    found = nothing;
    return result;
}
