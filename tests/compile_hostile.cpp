/* As compile_hostile.c, in C++. */
#include "compile_hostile.c"
