/* The implementation after a hostile prologue (compile_hostile.h). The system's own headers come first: they may not survive it, and need not. */
#include "compile_system.h"
#include "compile_hostile.h"
#define TENSORGRAD_IMPLEMENTATION
#include "tensorgrad.h"
#include "compile_step.h"
int main(void) {
    tg_ctx *tg = tg_open(NULL);
    double loss = step_train(tg, 300);
    bool ok = step_ops(tg);
    tg_close(tg);
    if (ok && loss >= 0 && loss < 0.1) printf("ok\n");
    return 0;
}
