/* As compile_two.c, in C++. */
#include "compile_two.c"
