"""Which product a picture shows: enrolment, embedding, keypoints, recognition."""
