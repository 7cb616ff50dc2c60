"""What 综合窗口 ask: material lists, what was taken, tickets at issuers."""
