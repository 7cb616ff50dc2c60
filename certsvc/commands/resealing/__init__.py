"""成批换章: licenses in force are given a new form of their file, sealed as things are today."""
