// The first thing is to make sure that the rest of the program can run at all: it is compiled for the processor it
// was built on, and on one that lacks its vector instructions it would die without a word.

import CProcessor

operators_require_processor(70)
Program.start()
