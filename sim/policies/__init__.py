"""Policy: dated edits of the baseline rates. A lever will be one more source of edits."""
