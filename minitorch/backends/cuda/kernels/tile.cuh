// The tiles of matrix products that are in use; For<T> is the tile for elements of type T. `tiles.py` reads the arguments,
// which are those of Simt (simt.cuh) and Tf32 (tf32.cuh).
#pragma once

struct Large { template <class T> using For = Simt<T, 128, 128, 16, 16, 8, 2>; };
struct Medium { template <class T> using For = Simt<T, 64, 64, 16, 4, 4, 2>; };
struct Small { template <class T> using For = Simt<T, 32, 32, 32, 2, 2, 2>; };
struct Narrow { template <class T> using For = Simt<T, 16, 128, 16, 2, 8, 3>; };
struct TensorHuge { template <class T> using For = Tf32<128, 256, 32, 64, 64, 3, 1>; };
struct TensorLarge { template <class T> using For = Tf32<128, 128, 32, 64, 64, 3, 2>; };
struct TensorWide { template <class T> using For = Tf32<64, 256, 32, 32, 64, 2, 2>; };
struct TensorCompact { template <class T> using For = Tf32<128, 128, 16, 64, 64, 2, 2>; };
struct TensorMedium { template <class T> using For = Tf32<64, 64, 32, 32, 32, 3, 3>; };
