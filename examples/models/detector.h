/* detector.h - what is where in a picture: boxes and classes at two scales, as YOLO tells them, and non-maximum suppression. */
#ifndef MODELS_DETECTOR_H
#define MODELS_DETECTOR_H

enum { DETECTOR_LEVELS = 2 };
typedef struct detector_config { int64_t classes, channels, anchors; } detector_config;      /* 80, 16, 3 */

typedef struct detector {
    tg_module m;
    tg_module *stem, *down, *lateral, *head;
    tg_tensor *anchors;                      /* [levels, anchors, 2]: usual widths and heights, in pixels */
    detector_config c;
} detector;

/* Halves the picture. */
static tg_module *detector_conv(tg_ctx *tg, int64_t in, int64_t out) {
    return tg_nn_sequential(tg, tg_nn_conv2d(tg, in, out, 3, .no_bias = true, .padding = {1, 1}, .stride = {2, 2}),
                            tg_nn_batch_norm2d(tg, out), tg_nn_silu(tg));
}

/* ---- one level: what its head says of every anchor at every place ---- */

/* (x, y) of each place: [H, W, 2] */
static tg_tensor *detector_grid(tg_ctx *tg, int64_t h, int64_t w) {
    tg_tensor *list[2] = { tg_arange(tg, 0, (double)w, 1, TG_F32), tg_arange(tg, 0, (double)h, 1, TG_F32) }, *grid[2];
    tg_meshgrid(list, 2, true, grid);
    return tg_stack(grid, 2, -1);
}

/* y [N, anchors (5 + classes), H, W] of a level whose places are `stride` pixels apart -> boxes [N, anchors H W, 4],
   *scores [N, anchors H W, classes] */
static tg_tensor *detector_decode(detector *b, tg_tensor *y, int level, double stride, tg_tensor **scores) {
    *scores = NULL;
    if (!y) return NULL;
    tg_tensor *grid = tg_to_device(detector_grid(b->m.tg, y->shape[2], y->shape[3]), y->device), *part[4];
    tg_tensor *anchor = tg_reshape(tg_select(b->anchors, 0, level), TG_SHAPE(-1, 1, 1, 2));
    y = tg_unflatten(y, 1, TG_SHAPE(b->c.anchors, 5 + b->c.classes));
    y = tg_sigmoid(tg_permute(y, TG_DIMS(0, 1, 3, 4, 2)));                                   /* [N, anchors, H, W, 5 + classes] */
    tg_split_sizes(y, TG_DIMS(2, 2, 1, b->c.classes), -1, part);
    tg_tensor *centre = tg_mul_scalar(tg_add(tg_add_scalar(tg_mul_scalar(part[0], 2), -0.5), grid), stride);
    tg_tensor *half = tg_mul(tg_square(tg_mul_scalar(part[1], 2)), tg_mul_scalar(anchor, 0.5));
    tg_tensor *corner[] = { tg_sub(centre, half), tg_add(centre, half) };
    *scores = tg_flatten(tg_mul(part[2], part[3]), 1, 3);
    return tg_flatten(tg_cat(corner, 2, -1), 1, 3);
}

/* ---- the network ---- */

/* x [N, 3, H, W] -> boxes x1, y1, x2, y2 in pixels [N, B, 4], *scores [N, B, classes]; by level, anchor, y, x */
static tg_tensor *detector_boxes(tg_module *m, tg_tensor *x, tg_tensor **scores) {
    detector *b = (detector *)m;
    tg_tensor *boxes[DETECTOR_LEVELS], *score[DETECTOR_LEVELS], *p3, *p4, *wide;
    if (!m || !x) return NULL;
    p3 = tg_forward(b->stem, x);                                                             /* [N, 2 c, H / 8, W / 8]   */
    p4 = tg_forward(b->down, p3);                                                            /* [N, 4 c, H / 16, W / 16] */
    wide = tg_interpolate(tg_forward(b->lateral, p4), .scale_factor = {2, 2});               /* [N, 2 c, H / 8, W / 8]   */
    tg_tensor *both[] = { p3, wide };                                                        /* [N, 4 c, H / 8, W / 8]   */
    boxes[0] = detector_decode(b, tg_forward(tg_module_part_of(b->head, 0), tg_cat(both, 2, 1)), 0, 8, &score[0]);
    boxes[1] = detector_decode(b, tg_forward(tg_module_part_of(b->head, 1), p4), 1, 16, &score[1]);
    *scores = tg_cat(score, DETECTOR_LEVELS, 1);
    return tg_cat(boxes, DETECTOR_LEVELS, 1);
}

static tg_module *detector_new(tg_ctx *tg, const detector_config *c) {
    int64_t w = c->channels, out = c->anchors * (5 + c->classes);
    detector *b = TG_MODULE(tg, detector, NULL);
    tg_module *head = tg_nn_list(tg);
    if (!b) return NULL;
    b->c = *c;
    tg_nn_append(head, tg_nn_conv2d(tg, 4 * w, out, 1));
    tg_nn_append(head, tg_nn_conv2d(tg, 4 * w, out, 1));
    TG_PART(b, stem, tg_nn_sequential(tg, detector_conv(tg, 3, w), detector_conv(tg, w, 2 * w), detector_conv(tg, 2 * w, 2 * w)));
    TG_PART(b, down, tg_nn_sequential(tg, detector_conv(tg, 2 * w, 4 * w)));
    TG_PART(b, lateral, tg_nn_conv2d(tg, 4 * w, 2 * w, 1));
    TG_PART(b, head, head);
    TG_BUFFER(b, anchors, tg_ones(tg, TG_SHAPE(DETECTOR_LEVELS, c->anchors, 2)));
    return TG_MODULE_OF(b);
}

/* ---- what is found in one picture ---- */

typedef struct detector_found { tg_tensor *boxes, *scores, *classes; } detector_found;      /* [K, 4], [K], i64 [K] */

/* boxes [B, 4], scores [B, classes]: all pairs of a box and a class that are likelier than `confidence`. */
static inline detector_found detector_candidates(tg_tensor *boxes, tg_tensor *scores, double confidence) {
    detector_found f;
    tg_tensor *likely = tg_gt_scalar(scores, confidence), *pair[2];
    tg_nonzero_tuple(likely, pair, 2);
    f.boxes = tg_index_select(boxes, 0, pair[0]);
    f.scores = tg_masked_select(scores, likely);
    f.classes = pair[1];
    return f;
}

/* Which of them stay, by falling score, when only those of one class suppress each other: classes are moved apart so far that
   their boxes do not meet. */
static inline tg_tensor *detector_nms(detector_found f, double iou) {
    tg_tensor *apart = tg_mul(tg_to(f.classes, TG_F32), tg_add_scalar(tg_amax(f.boxes), 1));
    return tg_nms(tg_add(f.boxes, tg_unsqueeze(apart, 1)), f.scores, iou);
}

static inline detector_found detector_find(tg_tensor *boxes, tg_tensor *scores, double confidence, double iou) {
    detector_found f = detector_candidates(boxes, scores, confidence);
    if (!f.scores || f.scores->numel == 0) return f;
    tg_tensor *keep = detector_nms(f, iou);
    f.boxes = tg_index_select(f.boxes, 0, keep);
    f.scores = tg_index_select(f.scores, 0, keep);
    f.classes = tg_index_select(f.classes, 0, keep);
    return f;
}

#endif
