"""Rules: small pure functions that compare an answer with what it should be, for graders to be made of.

===================  ==================================================================================
matching             the same text, exactly or but for its dress
choice               the option of a multiple-choice question that an answer settles on
json_check           is it JSON; does it keep to a JSON Schema (compiled by json_schema)
patterns             regular expressions, in linear time
lengths, keywords    how long; which words are in it, which aren't
citations            does ``[1]`` name one of the sources
constraints          all of these, as an object in a record says
similarity           the metrics of OpenAI's text_similarity by name: fuzzy_match, bleu, gleu, meteor,
                     cosine, rouge_1 to rouge_5, rouge_l, and token_f1
composition          weights, all-of, gates, penalties: many values become one Score
===================  ==================================================================================

Numbers are read by :mod:`rft.grading.final_answer`. A rule returns a number from 0 to 1 and treats its arguments so:

- The answer comes from a model: whatever it is, there is a value. What is too long to be read in time is worth 0.
- A reference that can't be compared with anything (too long) raises BadSample: that record is at fault.
- What a grader's author writes (a pattern, a schema, weights, a length) raises RuleInvalid where it makes no sense. A
  grader that takes these from a record turns it into a BadSample.

Import the module that you need: this package imports none, so that a cold start pays only for what is used.
"""
