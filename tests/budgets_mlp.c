/* The program whose size the budgets name: trains a small network, and nothing else. */
#define TENSORGRAD_IMPLEMENTATION
#include "tensorgrad.h"
#define STEP_TRAIN_ONLY
#include "compile_step.h"
int main(void) {
    tg_ctx *tg = tg_open(NULL);
    double loss = step_train(tg, 300);
    tg_close(tg);
    printf("ok %g\n", loss);
    return loss < 0;
}
