/* As compile_early.c, in C++. */
#include "compile_early.c"
