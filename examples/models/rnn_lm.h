/* rnn_lm.h - words through an LSTM, a GRU or a plain recurrent network: a language model, or with two directions a tagger. */
#ifndef MODELS_RNN_LM_H
#define MODELS_RNN_LM_H

#include "decode.h"

typedef enum rnn_lm_kind { RNN_LM_LSTM = 0, RNN_LM_GRU, RNN_LM_RNN } rnn_lm_kind;

typedef struct rnn_lm_config {
    rnn_lm_kind kind;
    int64_t vocab, embedding, hidden, layers, outputs;
    int64_t proj_size;               /* of an LSTM: states of this size instead of `hidden`; zero: not */
    bool bidirectional, no_bias;
    bool relu;                       /* of RNN_LM_RNN: not tanh */
    double dropout;                  /* between layers, while training */
} rnn_lm_config;

typedef struct rnn_lm { tg_module m; tg_module *embedding, *rnn, *head; rnn_lm_config c; } rnn_lm;

/* What the network remembers: [layers * directions, N, hidden] each; c of an LSTM alone. */
typedef struct rnn_lm_state { tg_tensor *h, *c; } rnn_lm_state;

/* ids [N, T] -> logits [N, T, outputs]. The state goes from before the first to behind the last token; NULL: it starts from zeros. */
static tg_tensor *rnn_lm_logits(tg_module *m, tg_tensor *ids, rnn_lm_state *state) {
    rnn_lm *b = (rnn_lm *)m;
    rnn_lm_state none = { NULL, NULL }, *s = state ? state : &none;
    if (!m) return NULL;
    tg_tensor *x = tg_forward(b->embedding, ids), *h = s->h, *c = s->c;                /* [N, T, embedding] */
    if (b->c.kind == RNN_LM_LSTM) x = tg_forward_rnn(b->rnn, x, .c0 = c, .c_n = &s->c, .h0 = h, .h_n = &s->h);
    else x = tg_forward_rnn(b->rnn, x, .h0 = h, .h_n = &s->h);
    return tg_forward(b->head, x);                                                     /* from [N, T, directions * hidden] */
}

static tg_module *rnn_lm_new(tg_ctx *tg, const rnn_lm_config *c) {
    int64_t size = (c->proj_size ? c->proj_size : c->hidden) * (c->bidirectional ? 2 : 1);
    static tg_nn_rnn_args zeros;
    tg_nn_rnn_args o = zeros;                                                          /* one struct of options for the three of them */
    o.tg = tg; o.in = c->embedding; o.hidden = c->hidden; o.layers = c->layers; o.proj_size = c->proj_size;
    o.batch_first = true; o.bidirectional = c->bidirectional; o.no_bias = c->no_bias; o.dropout = c->dropout;
    if (c->relu) o.nonlinearity = TG_NN_RELU;
    rnn_lm *b = TG_MODULE(tg, rnn_lm, NULL);
    if (!b) return NULL;
    b->c = *c;
    TG_PART(b, embedding, tg_nn_embedding(tg, c->vocab, c->embedding));
    TG_PART(b, rnn, c->kind == RNN_LM_LSTM ? tg_nn_lstm_from(&o) : c->kind == RNN_LM_GRU ? tg_nn_gru_from(&o) : tg_nn_rnn_from(&o));
    TG_PART(b, head, tg_nn_linear(tg, size, c->outputs));
    return TG_MODULE_OF(b);
}

/* ---- writing: the state is all that is carried from token to token ---- */

typedef struct rnn_lm_writer { tg_module *m; rnn_lm_state state; } rnn_lm_writer;

static tg_tensor *rnn_lm_next(void *user, tg_tensor *ids) {
    rnn_lm_writer *w = (rnn_lm_writer *)user;
    rnn_lm_state s = w->state;
    tg_tensor *logits = rnn_lm_logits(w->m, ids, &s);
    tg_copy_(w->state.h, s.h);                                                         /* out of the scope of this token */
    if (s.c) tg_copy_(w->state.c, s.c);
    return tg_select(logits, 1, -1);
}

/* ids [N, T] -> [N, T + count]; of a network with one direction */
static inline tg_tensor *rnn_lm_generate(tg_module *m, tg_tensor *ids, int64_t count, sampling s) {
    rnn_lm *b = (rnn_lm *)m;
    if (!m || !ids) return NULL;
    tg_mark scope = tg_begin(m->tg);
    tg_tensor *like = tg_module_tensor_at(b->head, "weight");
    rnn_lm_writer w = { m, { NULL, NULL } };
    w.state.h = tg_new_zeros(like, TG_SHAPE(b->c.layers, ids->shape[0], b->c.proj_size ? b->c.proj_size : b->c.hidden));
    if (b->c.kind == RNN_LM_LSTM) w.state.c = tg_new_zeros(like, TG_SHAPE(b->c.layers, ids->shape[0], b->c.hidden));
    return tg_end_with(m->tg, scope, generate(ids, count, s, -1, rnn_lm_next, &w));
}

#endif
