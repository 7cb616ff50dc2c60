"""电子监察: clocks and cards, figures, 好差评, complaints, the monthly sheet."""
