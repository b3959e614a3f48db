/* What torch calls those functions that have another name here, or the same name for something else: ours without tg_, then torch's, which may be several, with what tells them apart in
   brackets; "none": torch has no such function. Names that differ only by a module (mse_loss is torch.nn.functional.mse_loss) are not here. tools/table.c prints them;
   tests/test_names.sh holds them against tests/golden.c, whose adapters say which function carries out which of torch's operators. */
static const struct { const char *ours, *torchs; } torch_names[] = {
    { "sign", "sign, sgn" },                                { "gelu_tanh", "gelu(approximate='tanh')" },             
    { "sub", "sub, rsub" },                                 { "div", "div, true_divide" },                           { "div_trunc", "div(rounding_mode='trunc')" },
    { "add_scaled", "add(alpha)" },                         { "clamp", "clamp, clamp_min, clamp_max" },              { "clamp_tensor", "clamp(tensors)" },
    { "round_decimals", "round(decimals)" },                
    { "sum_dims", "sum(dim)" },     { "mean_dims", "mean(dim)" },   { "prod_dim", "prod(dim)" },    { "amax_dims", "amax(dim)" },   { "amin_dims", "amin(dim)" },
    { "max_dim", "max(dim)" },      { "min_dim", "min(dim)" },      { "argmax_dim", "argmax(dim)" },{ "argmin_dim", "argmin(dim)" },{ "any_dims", "any(dim)" },
    { "all_dims", "all(dim)" },     { "var_dims", "var(dim)" },     { "std_dims", "std(dim)" },     { "median_dim", "median(dim)" },{ "nanmedian_dim", "nanmedian(dim)" },
    { "split_sizes", "split_with_sizes" },                  { "sort", "sort, argsort, msort" },                      { "norm", "norm, vector_norm" },
    { "linalg_vander", "linalg.vander" },                   { "multi_dot", "multi_dot, chain_matmul" },              { "tensordot_dims", "tensordot(lists of dims)" },
    { "cross_dim", "linalg.cross" },                        { "outer", "outer, ger" },                               { "repeat_interleave_dim", "repeat_interleave(dim)" },
    { "tensor_split_at", "tensor_split(indices)" },         { "hsplit_at", "hsplit(indices)" },                      { "vsplit_at", "vsplit(indices)" },
    { "dsplit_at", "dsplit(indices)" },                     { "squeeze_all", "squeeze()" },                          { "squeeze_dims", "squeeze(dims)" },
    { "eye_sized", "eye(n, m)" },                           { "unfold", "Tensor.unfold" },                           { "nn_unfold", "nn.functional.unfold" },
    { "masked_fill_tensor", "masked_fill(tensor)" },        { "index_fill_tensor", "index_fill(tensor)" },           { "clamp_tensor_", "clamp_(tensors)" },
    { "linear_scan", "none" },                              { "interpolate", "interpolate, upsample" },              { "roi_align", "torchvision.ops.roi_align" },
    { "nms", "torchvision.ops.nms" },                       { "rnn_tanh_cell", "nn.RNNCell" },                       { "rnn_relu_cell", "nn.RNNCell(nonlinearity='relu')" },
    { "gru_cell", "nn.GRUCell" },                           { "lstm_cell", "nn.LSTMCell" },                          { "rnn_tanh", "nn.RNN" },
    { "rnn_relu", "nn.RNN(nonlinearity='relu')" },          { "gru", "nn.GRU" },                                     { "lstm", "nn.LSTM" },
    { "nonzero_tuple", "nonzero(as_tuple=True)" },          { "index", "__getitem__" },                              { "unique_dim", "unique(dim)" },
    { "unique_consecutive_dim", "unique_consecutive(dim)" },{ "histogram_edges", "histogram(bins=tensor)" },
    /* of other chapters */
    { "to", "to, float, double, half, bfloat16, long, int, short, char, byte, bool" },                              { "transpose", "transpose, mT" },      { "t", "t, T" },
    { "fill_", "fill_, fill" },
    { NULL, NULL }
};
