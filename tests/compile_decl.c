/* The declarations alone, twice, and what their macros become in a user's file: no warning either. (calls.h is also read by compile_decl.cpp.) */
#include "tensorgrad.h"
#include "tensorgrad.h"
#include "compile_calls.h"
