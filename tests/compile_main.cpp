/* As compile_main.c, in C++. */
#include "compile_main.c"
