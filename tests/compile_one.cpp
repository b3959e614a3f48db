/* As compile_one.c, in C++. */
#include "compile_one.c"
