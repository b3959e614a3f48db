/* As compile_decl.c, in C++. */
#include "tensorgrad.h"
#include "tensorgrad.h"
#include "compile_calls.h"
