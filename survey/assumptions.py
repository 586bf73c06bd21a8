"""What each test, interval and measure assumes, in one line."""

ASSUMPTIONS = {
    "sign_flip": "Scenes are independent; without an effect a scene's difference is symmetric about zero. Ratings "
    "of one scene may depend on each other.",
    "sign_flip_sampled": "As sign_flip; the p-value varies with the seed.",
    "wins": "Scenes are independent; tied scenes tell nothing.",
    "fisher": "All tasks are independent, also those of one scene or rater: doubtful here, see the clustered tests.",
    "clustered": "As sign_flip, on per-scene differences of the rate; every scene weighs the same.",
    "gee": "Scenes are independent and not too few; ratings of one scene may depend on each other in any way.",
    "intervals": "Scenes are a random sample of those that one speaks of; whole scenes are resampled, raters are not.",
    "holm": "None on how the tests depend; the family is the two-sided sign_flip, wins, consistent and inconsistent of "
    "every comparison.",
    "counts_alpha": "Numbers of pairs are ordered, with steps of no known size; raters are interchangeable.",
    "boxes": "A rater's habits of marking are the same for every scene; which areas form a pair is set aside.",
    "raters": "No test here allows for raters who see one method only: assign raters to both.",
}
