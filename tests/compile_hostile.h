/* What hosts have defined before they include us: windows.h, X11, sys/param.h, complex.h, Python.h, Qt, perl, arduino, and people. None of it may matter, and all of it must be
   the same afterwards (compile.sh compares the list of macros before and after). Object-like macros become nonsense that cannot compile if it is ever used. */
/* windows.h and its relatives */
#define min(a, b) @host_min@
#define max(a, b) @host_max@
#define near @host_near@
#define far @host_far@
#define small @host_small@
#define hyper @host_hyper@
#define interface @host_interface@
#define IN @host_IN@
#define OUT @host_OUT@
#define OPTIONAL @host_OPTIONAL@
#define ERROR @host_ERROR@
#define DELETE @host_DELETE@
#define TRUE @host_TRUE@
#define FALSE @host_FALSE@
#define STRICT @host_STRICT@
#define TRANSPARENT @host_TRANSPARENT@
#define OPAQUE @host_OPAQUE@
#define DIFFERENCE @host_DIFFERENCE@
#define RELATIVE @host_RELATIVE@
#define ABSOLUTE @host_ABSOLUTE@
#define PASSTHROUGH @host_PASSTHROUGH@
#define NO_ERROR @host_NO_ERROR@
#define CreateWindow @host_CreateWindow@
#define GetObject @host_GetObject@
#define Yield() @host_Yield@
#define CONST @host_CONST@
#define VOID @host_VOID@
#define THIS @host_THIS@
#define PI @host_PI@
/* X11 */
#define None @host_None@
#define Status @host_Status@
#define Bool @host_Bool@
#define True @host_True@
#define False @host_False@
#define Success @host_Success@
#define Always @host_Always@
#define Above @host_Above@
#define Below @host_Below@
#define Complex @host_Complex@
#define Convex @host_Convex@
/* complex.h, mathematics */
#define I @host_I@
#define complex @host_complex@
#define imaginary @host_imaginary@
#define E @host_E@
/* sys/param.h, kernel headers, people */
#define MIN(a, b) @host_MIN@
#define MAX(a, b) @host_MAX@
#define ABS(a) @host_ABS@
#define SIGN(a) @host_SIGN@
#define CLAMP(a, b, c) @host_CLAMP@
#define SWAP(a, b) @host_SWAP@
#define ALIGN(a, b) @host_ALIGN@
#define ARRAY_SIZE(a) @host_ARRAY_SIZE@
#define COUNT(a) @host_COUNT@
#define LENGTH(a) @host_LENGTH@
#define UNUSED(a) @host_UNUSED@
#define LIKELY(a) @host_LIKELY@
#define ROUND_UP(a, b) @host_ROUND_UP@
#define PRIVATE @host_PRIVATE@
#define PUBLIC @host_PUBLIC@
#define INLINE @host_INLINE@
#define API @host_API@
#define PASS @host_PASS@
#define FAIL @host_FAIL@
#define DEBUG @host_DEBUG@
#define CHECK(a) @host_CHECK@
#define ASSERT(a) @host_ASSERT@
#define check(x) @host_check@
#define verify(x) @host_verify@
#define require(x) @host_require@
#define assert(x) @host_assert@
#define ADD(a, b) @host_ADD@
#define SUB(a, b) @host_SUB@
#define MUL(a, b) @host_MUL@
#define DIV(a, b) @host_DIV@
#define NEG(a) @host_NEG@
#define SQRT(a) @host_SQRT@
#define RSQRT(a) @host_RSQRT@
#define EXP(a) @host_EXP@
#define LOG(a, b, c) @host_LOG@
#define SIN(a) @host_SIN@
#define COS(a) @host_COS@
#define TAN(a) @host_TAN@
#define TANH(a) @host_TANH@
#define ERF(a) @host_ERF@
#define POW(a, b) @host_POW@
#define FLOOR(a) @host_FLOOR@
#define CEIL(a) @host_CEIL@
#define ROUND(a) @host_ROUND@
#define TRUNC(a) @host_TRUNC@
#define FMA(a, b, c) @host_FMA@
#define FMOD(a, b) @host_FMOD@
#define REMAINDER(a, b) @host_REMAINDER@
#define SELECT(a, b) @host_SELECT@
#define SIGMOID(a) @host_SIGMOID@
#define SOFTPLUS(a) @host_SOFTPLUS@
#define EQ @host_EQ@
#define NE @host_NE@
#define LT @host_LT@
#define LE @host_LE@
#define GT @host_GT@
#define GE @host_GE@
#define AND @host_AND@
#define OR @host_OR@
#define XOR @host_XOR@
#define NOT @host_NOT@
#define ISNAN(a) @host_ISNAN@
#define ISINF(a) @host_ISINF@
#define ISFINITE(a) @host_ISFINITE@
#define ZERO @host_ZERO@
#define ONE @host_ONE@
#define HALF @host_HALF@
#define K @host_K@
#define X @host_X@
#define Y @host_Y@
#define A @host_A@
#define B @host_B@
#define C @host_C@
#define S @host_S@
#define P0 @host_P0@
#define P1 @host_P1@
#define N1 @host_N1@
#define N2 @host_N2@
#define F1 @host_F1@
#define F2 @host_F2@
#define F3 @host_F3@
#define NEED(a) @host_NEED@
#define NONE @host_NONE@
#define SAME @host_SAME@
#define NUMERIC @host_NUMERIC@
#define FLOATING @host_FLOATING@
#define PREDICATE @host_PREDICATE@
#define CHOOSE @host_CHOOSE@
#define REAL @host_REAL@
#define UNIT @host_UNIT@
#define POSITIVE @host_POSITIVE@
#define APART @host_APART@
/* language extensions and lower case words of embedded headers */
#define slots @host_slots@
#define signals @host_signals@
#define emit @host_emit@
#define foreach @host_foreach@
#define forever @host_forever@
#define byte @host_byte@
#define boolean @host_boolean@
#define bit(a) @host_bit@
#define abs(a) @host_abs@
#define round(a) @host_round@
#define sq(a) @host_sq@
#define major @host_major@
#define minor @host_minor@
#define local @host_local@
#define global @host_global@
#define unless(a) @host_unless@
#define until(a) @host_until@
#define array(a) @host_array@
#define likely(a) @host_likely@
#define unlikely(a) @host_unlikely@
#define min3(a, b, c) @host_min3@
