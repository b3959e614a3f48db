/* After each use of TG_FORMULAS: the names of its six columns are free for the next. No guard: included as often as it is used. */
#undef F1
#undef F1P
#undef F2
#undef F2P
#undef F3
#undef F3P
