/* What MSVC is shown of the header, read by clang over mingw's system headers: they are included first, then the names that tell compilers apart change.
   COMPILE_CLANG_CL: as clang-cl, which is both. */
#include <windows.h>
#include <string.h>
#include <stdint.h>
#include <intrin.h>
#include <immintrin.h>
#undef __GNUC__
#undef __MINGW32__
#undef __MINGW64__
#ifndef COMPILE_CLANG_CL
#undef __clang__
#endif
#undef __forceinline
#define __forceinline __inline
#define _MSC_VER 1930
#ifndef _M_X64
#define _M_X64 100
#endif
#define __INTRIN_H          /* clang's own, which would follow now */
#define TENSORGRAD_IMPLEMENTATION
#include "tensorgrad.h"
